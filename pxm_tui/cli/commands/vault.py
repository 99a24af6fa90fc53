"""`pxm vault`: who opens the stored secrets; another passphrase or holder for their key."""

from __future__ import annotations

import argparse
from typing import Any

from pxm_tui.cli import output
from pxm_tui.cli.parser import wrong_usage
from pxm_tui.cli.secrets_in import ask_secret, read_line
from pxm_tui.cli.session import run_with_services, settings_of
from pxm_tui.cli.terminal import Terminal, has_terminal
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.secret import Secret
from pxm_tui.services.bundle import Services
from pxm_tui.services.ports import VaultMode, VaultState
from pxm_tui.services.secrets import SHORTEST_PASSPHRASE

MODES = {"passphrase": VaultMode.PASSPHRASE, "keyring": VaultMode.KEYRING}
HOLDERS = {
    VaultMode.KEYRING: "this machine's keyring",
    VaultMode.ASK: "nobody: secrets are kept in memory only, for one run",
    None: "yet to be chosen: a passphrase, or memory only; this machine has no keyring",
}
OPTION = "--passphrase-stdin"


def run(arguments: argparse.Namespace) -> int:
    """Show or change it. Raises `PxmError`."""
    action = arguments.action
    if action not in {None, "lock", *MODES}:
        raise wrong_usage("pxm vault", "What is to be done is passphrase, keyring or lock.")
    if arguments.passphrase_stdin and action not in MODES:
        raise wrong_usage("pxm vault", f"{OPTION} belongs to passphrase and keyring.")

    async def work(services: Services) -> int:
        if action == "lock":
            await services.secrets.lock("by hand")
        elif action is not None:
            await _change(services, MODES[action], arguments)
        _show(services, await services.secrets.state(), as_json=arguments.json, done=action)
        for text in services.fleet.view().notices:
            output.note(text)
        return 0

    return run_with_services(settings_of(arguments), work)


async def _change(services: Services, mode: VaultMode, arguments: argparse.Namespace) -> None:
    state = await services.secrets.state()
    terminal = Terminal.present()
    from_stdin = arguments.passphrase_stdin and not has_terminal()
    current = new = None
    if state.asks:
        what = "Present passphrase"
        current = read_line("current") if from_stdin else await _asked(terminal, "current", what)
    if mode is VaultMode.PASSPHRASE:
        new = read_line("passphrase") if from_stdin else await _asked_twice(terminal)
        if len(new.reveal()) < SHORTEST_PASSPHRASE:
            raise InvalidError(
                "passphrase", f"The new passphrase has fewer than {SHORTEST_PASSPHRASE} characters.", field="passphrase"
            )
    await services.secrets.change(mode, new, current)


async def _asked(terminal: Terminal | None, field: str, what: str) -> Secret:
    return await ask_secret(terminal, field=field, what=what, option=OPTION)


async def _asked_twice(terminal: Terminal | None) -> Secret:
    first = await _asked(terminal, "passphrase", "New passphrase")
    if first != await _asked(terminal, "passphrase", "Again"):
        raise InvalidError("passphrase", "The two are not the same.", do="Nothing was changed.", field="passphrase")
    return first


def _show(services: Services, state: VaultState, *, as_json: bool, done: str | None) -> None:
    path = services.places.secrets
    if as_json:
        found: dict[str, Any] = {
            "mode": None if state.mode is None else str(state.mode),
            "path": path,
            "exists": state.exists,
            "open": state.open,
            "asks": state.asks,
            "secrets": state.secrets,
            "remember_minutes": state.remembers,
        }
        output.print_json(found)
        return
    if done == "lock":
        by_itself = state.mode is VaultMode.KEYRING or not state.asks
        after = "the next use opens it without a question." if by_itself else "the next use asks for the passphrase."
        output.say(f"Nothing is remembered for this login session; {after}")
        return
    output.say(f"Secrets  {path}, {_count(state)}")
    output.say(f"Key      {_holder(state)}")
    if state.remembers:
        output.say(f"Session  the kernel remembers it for {state.remembers} min after the passphrase was given")


def _count(state: VaultState) -> str:
    if not state.exists:
        return "not there yet"
    return "1 secret" if state.secrets == 1 else f"{state.secrets} secrets"


def _holder(state: VaultState) -> str:
    if state.mode is not VaultMode.PASSPHRASE:
        return HOLDERS[state.mode]
    if not state.exists and not state.open:
        return "a passphrase, which is yet to be chosen"
    return "your passphrase" if state.asks else "a passphrase read from a file"
