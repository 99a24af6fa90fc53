"""Promise 1: no secret appears in a file, log, traceback, repr, picture or error. Every flow is run, then searched."""

from __future__ import annotations

import base64
import json
import logging
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
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
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions
from pxm_tui.tui.app import PxmApp
from tests.fleet_fixtures import FleetFactory

PASSWORD = "hunted-Pass+word=&;1"
WRONG = "hunted-Wrong+word=&;2"
PASSPHRASE = "hunted Pass phrase 3"
TICKET_MARKS = ("PVEAuthCookie", "PVE:root@pam:", "PVE:!tfa!", "PVEAPIToken=")


@dataclass
class Hunt:
    """Where secrets may have gone, and which they are."""

    folder: Path
    cluster: SimulatedCluster
    texts: list[str] = field(default_factory=list)

    @property
    def secrets(self) -> list[str]:
        """All that were used."""
        credentials = self.cluster.credentials
        made = [token.secret for user in self.cluster.state.accounts.users.values() for token in user.tokens.values()]
        return [
            *made,
            PASSWORD,
            WRONG,
            PASSPHRASE,
            self.cluster.token_secret,
            self.cluster.totp_password,
            *credentials.totp_recovery_keys,
        ]

    def needles(self) -> Iterator[bytes]:
        """The secrets in every spelling, and marks of tickets."""
        for secret in self.secrets:
            plain = secret.encode()
            yield from {plain, quote(secret, safe="").encode(), plain.hex().encode(), base64.b64encode(plain)[:-4]}
        yield from (mark.encode() for mark in TICKET_MARKS)

    def haystack(self) -> Iterator[tuple[str, bytes]]:
        """Everything that was left: files, outputs, pictures."""
        for path in self.folder.rglob("*"):
            if path.is_file() and path.name != "passphrase":
                yield str(path), path.read_bytes()
        for number, text in enumerate(self.texts):
            yield f"text {number}", text.encode()

    def found(self) -> list[tuple[str, bytes]]:
        """The leaks."""
        needles = list(self.needles())
        return [(where, needle) for where, content in self.haystack() for needle in needles if needle in content]


@pytest.fixture
def hunt(tmp_path: Path, fresh_fleet: FleetFactory) -> Hunt:
    """A cluster whose secrets no other test has, and a place to look at."""
    fleet = fresh_fleet(ClusterOptions("hunted", nodes=2, guests=4, password=PASSWORD))
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(PASSPHRASE + "\n", encoding="utf-8")
    passphrase.chmod(0o600)
    return Hunt(tmp_path, fleet.clusters[0])


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """The log of the program takes the place of pytest's; give it back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


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
    for form in ("json", "csv", "yaml", "proxxx", "pdm", "pvetui"):
        pxm("import", "-", "--format", form, "--json", stdin=json.dumps(rows))
        pxm("import", "-", "--format", form, stdin=json.dumps(rows))
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
