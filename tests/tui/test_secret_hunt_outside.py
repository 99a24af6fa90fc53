"""Promise 1, seen from outside the program: its process, its terminal, the clipboard, Textual's own logs, a crash."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from pxm_tui.bootstrap import build_services, start_log
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.loop import ClientLoop
from pxm_tui.services.bundle import Services
from pxm_tui.services.ports import VaultMode
from pxm_tui.services.secret_keeping import SecretsService
from pxm_tui.settings import load_settings
from pxm_tui.tui.app import PxmApp
from pxm_tui.tui.fields import FormInput
from pxm_tui.tui.screens.hand_over import HandOverDialog
from tests.hunting import NEW_PASSPHRASE, PASSPHRASE, PASSWORD, Hunt
from tests.tui.terminal import LIMIT, TerminalProgram

PROGRAM = (sys.executable, "-m", "pxm_tui")


def environment(hunt: Hunt, **more: str) -> dict[str, str]:
    return {
        "PXM_DATA_DIR": str(hunt.folder / "data"),
        "PXM_CONFIG": str(hunt.folder / "none.toml"),
        "PXM_SECRET_STORE": "passphrase",
        "PXM_SYSLOG": "off",
        "PATH": os.environ["PATH"],
        **more,
    }


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        yield server


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("way", ["password", "token"])
def test_nobody_sees_a_secret_in_the_process(hunt: Hunt, silent: socket.socket, way: str) -> None:
    endpoint = f"127.0.0.1:{silent.getsockname()[1]}"
    login = {
        "password": ["--user", "root@pam", "--password-stdin", "--otp-stdin"],
        "token": ["--token-id", hunt.cluster.token_id, "--token-secret-stdin"],
    }[way]
    secret = PASSWORD if way == "password" else hunt.cluster.token_secret
    with subprocess.Popen(
        [*PROGRAM, "register", "seen", endpoint, *login],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(hunt, PXM_VAULT_PASSPHRASE_FILE=str(hunt.folder / "passphrase")),
    ) as program:
        assert program.stdin
        assert program.stdout
        program.stdin.write(f"{secret}\n{hunt.cluster.credentials.totp_recovery_keys[0]}\n")
        program.stdin.close()
        connection, _ = silent.accept()  # everything has been read from stdin by now
        hunt.look_at_process(program.pid)
        connection.close()
        hunt.texts.append(program.stdout.read())
        assert program.wait(30) == 7
    assert hunt.found() == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_nothing_typed_or_stored_reaches_terminal_clipboard_or_the_logs_of_textual(
    hunt: Hunt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(hunt.folder)
    registered = subprocess.run(
        [
            *PROGRAM, "register", "hunted", hunt.cluster.endpoint, "--user", "root@pam", "--password-stdin",
            "--fingerprint", hunt.cluster.fingerprint, "--no-token",
        ],
        input=f"{PASSWORD}\n",
        capture_output=True,
        text=True,
        check=True,
        env=environment(hunt, PXM_VAULT_PASSPHRASE_FILE=str(hunt.folder / "passphrase")),
    )  # fmt: skip
    hunt.texts.append(registered.stdout + registered.stderr)
    noisy = {"TEXTUAL": "devtools,debug", "TEXTUAL_LOG": str(hunt.folder / "textual.log"), "TEXTUAL_DEBUG": "1"}
    with TerminalProgram(["-m", "pxm_tui", "--refresh", "off"], environment=environment(hunt, **noisy)) as program:
        use_every_secret(program)
        hunt.look_at_process(program.process.pid)
        program.press("q")
        assert program.wait() == 0
        hunt.look_at_terminal(program.output)
    logs = [hunt.folder / name for name in ("textual.log", "keys.log")]
    assert not [log for log in logs if log.exists()], "they would hold every key that was typed, one by one"
    assert b"\x1b]52;" in program.output, "something was copied"
    assert "The new passphrase is in use." in shown(program)
    assert hunt.found() == []


def use_every_secret(program: TerminalProgram) -> None:
    """Open, check, copy, change the passphrase, lock, unlock, type a password into a form and leave it."""

    def then(keys: str, words: str = "") -> None:
        before, end = len(program.output), time.monotonic() + LIMIT
        program.press(keys)
        while words not in shown(program, before):
            program.read()
            if time.monotonic() > end:
                raise AssertionError(f"{words!r} did not come: {shown(program, before)[-3000:]}")
        program.wait_until_quiet(0.6)  # dialogs that change something listen after half a second

    program.wait_for("Leave it locked")
    program.wait_until_quiet(0.6)
    then(f"{PASSPHRASE}\r", "by name")
    then("c", "healthy")
    then("\x1b")
    then("yu", "Copied")
    then(":secrets\r", "Change passphrase")
    then("\t\t\r", "Present passphrase")
    then(f"{PASSPHRASE}\t{NEW_PASSPHRASE}\t{NEW_PASSPHRASE}\r", "The new passphrase is in use.")
    then("\x1b")
    then(":lock\r", "The secrets are locked")
    then(":unlock\r", "Leave it locked")
    then(f"{NEW_PASSPHRASE}\r", "by name")
    then("a", "Endpoint")
    then(f"pve9\t\troot@pam\t{PASSWORD}", "pve9")
    then("\x1b")


def shown(program: TerminalProgram, since: int = 0) -> str:
    """What was written to the terminal, without colours; words that are apart on the screen may be so here."""
    return re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", program.output[since:]).decode(errors="replace")


async def type_a_passphrase(app: PxmApp, services: Services, hunt: Hunt, later: list[float]) -> None:
    """Run the app until the new passphrase has been typed and Enter pressed."""
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        state = await services.secrets.state()
        app.push_screen(HandOverDialog(services, VaultMode.PASSPHRASE, state))
        await pilot.pause()
        later[0] += 1
        for name in ("first", "again"):
            app.screen.query_one(f"#{name}", FormInput).value = NEW_PASSPHRASE
        hunt.texts.append(app.export_screenshot())
        await pilot.press("enter")
        await pilot.pause()


async def test_a_crash_with_a_passphrase_in_hand_shows_and_logs_none(
    hunt: Hunt, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    settings = load_settings({"data_dir": hunt.folder / "data"}, {})
    start_log(settings)

    async def crash(_self: SecretsService, mode: object, passphrase: Secret, current: Secret) -> None:
        plain = passphrase.reveal()
        raise RuntimeError(f"{mode} {plain} {current}")

    monkeypatch.setattr(SecretsService, "change", crash)
    later = [0.0]
    with ClientLoop() as runner:
        services = build_services(settings, runner, passphrase=Secret(PASSPHRASE), timer=lambda: later[0])
        app = PxmApp(services)
        with pytest.raises(Exception, match=re.escape(NEW_PASSPHRASE)):  # the test's own view of it
            await type_a_passphrase(app, services, hunt, later)
        services.close()
    hunt.texts += capfd.readouterr()
    assert app.return_code == 1
    assert any("unexpected error, details in" in text for text in hunt.texts)
    assert any(b"RuntimeError" in content for where, content in hunt.haystack() if where.endswith("pxm.log"))
    assert hunt.found() == []


async def test_a_locked_store_shows_nothing_in_its_parts(hunt: Hunt) -> None:
    settings = load_settings({"data_dir": hunt.folder / "data", "secret_store": "passphrase"}, {})
    start_log(settings)
    with ClientLoop() as runner:
        services = build_services(settings, runner, passphrase=Secret(PASSPHRASE))
        for _ in range(2):
            hunt.texts += [repr(services), repr(vars(services.secrets)), repr(await services.secrets.state())]
            hunt.texts.append(repr(vars(vars(services.secrets)["_secrets"])["_sealed"].__dict__))
            await services.secrets.lock("by hand")
        services.close()
    assert hunt.found() == []
