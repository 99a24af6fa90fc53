"""Promise 1: no secret appears in a file, log, traceback, repr, picture or error. Every flow is run, then searched."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from urllib.parse import quote

from textual.pilot import Pilot
from textual.widgets import Input

from pxm_tui.bootstrap import build_services, start_log
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.loop import ClientLoop
from pxm_tui.services.bundle import Services
from pxm_tui.services.dialog import Silent
from pxm_tui.services.registration import RegistrationFailedError
from pxm_tui.services.requests import build_request
from pxm_tui.settings import load_settings
from pxm_tui.tui.app import PxmApp
from tests.hunting import PASSPHRASE, PASSWORD, WRONG, Hunt


def test_the_hunt_would_find_a_leak(hunt: Hunt) -> None:
    (hunt.folder / "leak.log").write_text(f"password={quote(PASSWORD, safe='')}", encoding="utf-8")
    hunt.texts.append(f"Cookie: PVEAuthCookie=x {hunt.cluster.token_secret}")
    assert len({where for where, _ in hunt.found()}) == 2


def test_the_command_line_leaks_nothing(hunt: Hunt) -> None:
    cluster = hunt.cluster

    def pxm(*arguments: str, stdin: str = "") -> None:
        done = subprocess.run(
            [sys.executable, "-m", "pxm_tui", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env={
                "PXM_DATA_DIR": str(hunt.folder / "data"),
                "PXM_VAULT_PASSPHRASE_FILE": str(hunt.folder / "passphrase"),
                "PXM_SECRET_STORE": "passphrase",
                "PATH": "/usr/bin:/bin",
                "PYTHONDEVMODE": "1",
            },
        )
        hunt.texts.extend((done.stdout, done.stderr, str(done.returncode)))

    pinned = ("--fingerprint", cluster.fingerprint)
    root = ("--user", "root@pam", "--password-stdin")
    totp = ("--user", cluster.totp_username, "--password-stdin", "--otp-stdin")
    token = ("--token-id", cluster.token_id, "--token-secret-stdin")
    recovery_key = cluster.credentials.totp_recovery_keys[0]
    pxm("register", "one", cluster.endpoint, *root, stdin=f"{PASSWORD}\n")
    pxm("register", "one", cluster.endpoint, *root, *pinned, "--json", stdin=f"{WRONG}\n")
    pxm("register", "one", f"https://root:{PASSWORD}@pve1", *root, stdin=f"{PASSWORD}\n")
    pxm("register", "one", cluster.endpoint, "--password", PASSWORD)
    pxm("register", "one", cluster.endpoint, *root, *pinned, "--json", stdin=f"{PASSWORD}\n")
    pxm("register", "two", cluster.endpoint, *totp, *pinned, stdin=f"{cluster.totp_password}\n{recovery_key}\n")
    pxm("register", "three", cluster.endpoint, *token, *pinned, "--json", stdin=f"{cluster.token_secret}\n")
    pxm("register", "three", cluster.endpoint, *token, *pinned, "--json", stdin=f"{WRONG}\n")
    rows = [
        {"name": "four", "endpoint": cluster.endpoint, "username": "root@pam", "password": PASSWORD},
        {"name": "five", "endpoint": f"https://root:{PASSWORD}@pve1", "username": "root@pam", "password": PASSWORD},
        {"name": "six", "endpoint": "pve1", "token_id": "a@pve!b", "token_secret": {"x": cluster.token_secret}},
    ]
    pxm("import", "-", "--format", "json", "--json", stdin=json.dumps(rows))
    pxm("import", "-", "--format", "yaml", stdin=json.dumps(rows))
    pxm("export")
    pxm("check", "--json")
    pxm("check", "--nagios")
    pxm("check", "--lines")
    pxm("show", "one", "--json")
    pxm("list", "--json")
    pxm("deregister", "three", "--yes", "--json")
    assert hunt.texts.count("0") >= 6
    assert hunt.found() == []


async def test_services_show_no_secret_in_reprs_and_tracebacks(hunt: Hunt) -> None:
    settings = load_settings({"data_dir": hunt.folder / "data"}, {})
    start_log(settings)
    with ClientLoop() as runner:
        services = build_services(settings, runner, passphrase=Secret(PASSPHRASE))
        fields = {"endpoint": hunt.cluster.endpoint, "user": "root@pam", "fingerprint": hunt.cluster.fingerprint}
        good, bad = (build_request(**fields, password=password) for password in (PASSWORD, WRONG))
        registration = await services.clusters.register(good, Silent())
        hunt.texts += [
            repr(thing) for thing in (good, good.credentials(), registration, services, vars(services.fleet))
        ]
        hunt.texts.append(good.model_dump_json())
        try:
            await services.clusters.register(bad, Silent())
        except RegistrationFailedError as error:
            told = traceback.TracebackException.from_exception(error, capture_locals=True)
            hunt.texts += ["".join(told.format()), repr(error.steps), repr(error.error.to_json())]
        services.close()
    assert len(hunt.texts) == 9
    assert hunt.found() == []


async def test_the_screens_leak_nothing(hunt: Hunt) -> None:
    settings = load_settings({"data_dir": hunt.folder / "data"}, {})
    start_log(settings)
    with ClientLoop() as runner:
        later = [0.0]
        services = build_services(
            settings, runner, passphrase=Secret(PASSPHRASE), timer=lambda: time.monotonic() + later[0]
        )
        app = PxmApp(services)
        async with app.run_test(size=(80, 30), notifications=True) as pilot:
            await register_in_the_form(hunt, app, pilot, later)
        services.close()
    assert len(names_of(services)) == 1
    assert hunt.found() == []


def names_of(services: Services) -> list[str]:
    """The names that are registered."""
    return [view.cluster.name for view in services.fleet.load().clusters]


async def register_in_the_form(hunt: Hunt, app: PxmApp, pilot: Pilot[None], later: list[float]) -> None:
    """A wrong password, then the right one; a picture at every stop."""

    def picture() -> None:
        hunt.texts.append(app.export_screenshot())

    await pilot.press("a")
    await until(pilot, lambda: bool(app.screen.query("#endpoint")))
    values = {"endpoint": hunt.cluster.endpoint, "user": "root@pam", "password": WRONG}
    for name, value in values.items():
        app.screen.query_one(f"#{name}", Input).value = value
    picture()
    app.screen.query_one("#password").focus()
    await pilot.press("enter")
    await until(pilot, lambda: type(app.screen).__name__ == "CertificateDialog")
    await until(pilot, lambda: getattr(app.screen, "_shown_at", None) is not None)
    picture()
    later[0] += 1  # a dialog that trusts something drops the keys of its first half second
    await pilot.press("tab", "enter")
    await until(pilot, lambda: "rejected" in shown(app))
    picture()
    app.screen.query_one("#password", Input).value = PASSWORD
    await pilot.press("enter")
    await until(pilot, lambda: "is registered" in shown(app))
    picture()
    await pilot.press("enter")
    await until(pilot, lambda: type(app.screen).__name__ == "ClustersScreen")
    await pilot.press("l")
    await pilot.pause()
    picture()


def shown(app: PxmApp) -> str:
    """The text on the screen."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def until(pilot: Pilot[None], condition: Callable[[], bool]) -> None:
    """Wait for a condition, not for a time."""
    for _ in range(1000):
        if condition():
            return
        await pilot.pause(0.01)
    raise TimeoutError("it never happened")
