"""The keys of `config.toml` in words, once for the README, `pxm help configuration` and the manual page."""

from __future__ import annotations

import textwrap

KEYS: tuple[tuple[str, str, str], ...] = (
    (
        "refresh",
        "15",
        'seconds between two refreshes, 5 to 3600, or `"off"`: only on `r` (also `PXM_REFRESH`, `--refresh`)',
    ),
    (
        "concurrency",
        "100",
        "clusters asked at the same time",
    ),
    (
        "connect_timeout, tls_timeout, first_byte_timeout, answer_timeout",
        "5, 5, 10, 30",
        "limits of each phase, seconds; Proxmox VE holds every rejection back for 3 s",
    ),
    (
        "secret_store",
        '"auto"',
        '`"keyring"`, `"passphrase"` or `"ask"` (also `PXM_SECRET_STORE`)',
    ),
    (
        "passphrase_file",
        "none",
        "a file that holds the vault's passphrase, yours and closed to others (also `PXM_VAULT_PASSPHRASE_FILE`)",
    ),
    (
        "lock_after",
        '"off"',
        "minutes without a key, 1 to 1440, after which the terminal UI locks the secrets (also `PXM_LOCK_AFTER`)",
    ),
    (
        "remember_passphrase",
        '"off"',
        "minutes for which the kernel remembers, for this login session, what your passphrase opens (also "
        "`PXM_REMEMBER_PASSPHRASE`; Linux)",
    ),
    (
        "ascii",
        "by locale",
        "draw with ASCII only (also `--ascii`)",
    ),
    (
        "read_only",
        "false",
        "nothing is changed on any cluster in this run (also `PXM_READ_ONLY=on`, `--read-only`)",
    ),
    (
        "syslog",
        "true",
        "the audit goes to the system's log as well, where there is one (also `PXM_SYSLOG=off`)",
    ),
    (
        "mouse",
        "true",
        "ask the terminal for clicks and the wheel (also `--no-mouse`)",
    ),
)
"""Keys, their defaults, and what they mean: one line for keys that belong together."""

_WIDTH = 118


def settings_table() -> list[tuple[str, ...]]:
    """The rows of the README's table."""
    return [
        (_code(keys), _code(default) if _is_value(default) else default, meaning) for keys, default, meaning in KEYS
    ]


def settings_text() -> str:
    """The same for a terminal."""
    lines = []
    for keys, default, meaning in KEYS:
        lines.append(f"  {keys} = {default}" if _is_value(default) else f"  {keys} ({default})")
        lines.append(textwrap.fill(meaning, _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6))
    return "\n".join(lines)


def _is_value(default: str) -> bool:
    """Whether the default can be written into the file as it stands here."""
    return default[0] in '"0123456789' or default in {"true", "false"}


def _code(words: str) -> str:
    return ", ".join(f"`{word}`" for word in words.split(", "))
