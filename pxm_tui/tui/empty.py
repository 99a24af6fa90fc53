"""The home screen while nothing is registered."""

from __future__ import annotations

from pxm_tui.services.bundle import Places
from pxm_tui.services.ports import VaultMode, VaultState

WIDE = 76


def empty_lines(places: Places, vault: VaultState | None, width: int) -> list[str]:
    """The lines that say what to do first, and where things are kept."""
    indent = " " * 12 if width >= WIDE else " "
    secret = secret_lines(places, vault)
    lines = [
        "",
        "",
        "",
        "",
        "No cluster is registered yet.",
        "",
        "a    register one: an address and a login are enough. Every step",
        "     is checked live, nothing is saved before the last.",
        "",
        "No cluster at hand?    q, then:  pxm demo",
        "Many at once?          pxm register --help",
        "",
        f"Entries    {places.registry}",
        f"Secrets    {secret[0]}",
        *(f"           {line}" for line in secret[1:]),
        f"Log        {places.log}",
    ]
    if width < WIDE:
        lines = [*lines[3:6], "a    register one: an address and a", "     login are enough.", "", *lines[9:]]
    return [f"{indent}{line}" if line else "" for line in lines]


def secret_lines(places: Places, vault: VaultState | None) -> list[str]:
    """How secrets will be kept."""
    if vault is None:
        return [f"encrypted in {places.secrets}"]
    if vault.mode is VaultMode.KEYRING:
        return [f"encrypted in {places.secrets};", "this machine's keyring opens it"]
    if vault.exists:
        return [f"encrypted in {places.secrets};", f"{_passphrase(vault)} opens it"]
    if vault.mode is VaultMode.ASK:
        return ["in memory only, for this run; pxm asks for them again"]
    if vault.mode is VaultMode.PASSPHRASE:
        who = f"{_passphrase(vault)} will open it" if vault.open else "its passphrase is chosen at the first secret"
        return [f"encrypted in {places.secrets};", who]
    return ["encrypted; this machine has no keyring, so a passphrase", "will be asked for at the first registration"]


def kept_words(vault: VaultState | None) -> str:
    """The same of a registered cluster's secret, in one line."""
    if vault is None or vault.mode is None:
        return ""
    if vault.mode is VaultMode.ASK:
        return "in memory only, for this run (:secrets)"
    holder = "this machine's keyring" if vault.mode is VaultMode.KEYRING else _passphrase(vault)
    return f"stored encrypted, opened by {holder} (:secrets)"


def _passphrase(vault: VaultState) -> str:
    return "your passphrase" if vault.asks else "a passphrase that nobody is asked for"
