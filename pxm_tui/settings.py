"""Settings: defaults < config file < environment < flags; and the directories.

Importing this is cheap: pydantic and tomllib are imported only where a config file is there, and dataclasses, whose
import takes longer than `pxm list` has, not at all.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pxm_tui.domain.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "pxm"
PERIOD_LEAST, PERIOD_MOST = 5.0, 3600.0
MINUTES_LEAST, MINUTES_MOST = 1, 1440
SECRET_STORES = ("auto", "keyring", "passphrase", "ask")


class Settings(NamedTuple):
    """How this run behaves.

    Attributes:
        data_dir: registry and vault.
        state_dir: log, audit, preferences.
        cache_dir: the last known state.
        refresh: seconds between two refreshes; None: by hand only.
        concurrency: clusters asked at the same time.
        connect_timeout: seconds for TCP.
        tls_timeout: seconds for the TLS handshake.
        first_byte_timeout: seconds for the first byte of an answer; Proxmox VE holds a rejection for 3 s.
        answer_timeout: seconds for a whole answer.
        secret_store: `auto`, `keyring`, `passphrase` or `ask`.
        passphrase_file: holds the vault's passphrase; the user's own and closed to others.
        lock_after: minutes without a key after which the terminal UI locks the secret store; None: never by itself.
        remember_passphrase: minutes for which the kernel keeps the key that a passphrase gave; None: not at all.
        ascii: draw with ASCII only; None: decided by locale and terminal.
        mouse: ask the terminal for clicks and the wheel.
        read_only: nothing is changed on any cluster.
        syslog: the audit goes to the system's log as well, where there is one.
    """

    data_dir: Path
    state_dir: Path
    cache_dir: Path
    refresh: float | None = 15.0
    concurrency: int = 100
    connect_timeout: float = 5.0
    tls_timeout: float = 5.0
    first_byte_timeout: float = 10.0
    answer_timeout: float = 30.0
    secret_store: str = "auto"  # noqa: S105
    passphrase_file: Path | None = None
    lock_after: float | None = None
    remember_passphrase: float | None = None
    ascii: bool | None = None
    mouse: bool = True
    read_only: bool = False
    syslog: bool = True

    @property
    def log_file(self) -> Path:
        """Where the log is written."""
        return self.state_dir / "pxm.log"


def load_settings(flags: Mapping[str, Any] | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """Put the settings together.

    Args:
        flags: by the names of `Settings`; None values do not count.
        environment: in place of the process's own.

    Raises:
        InvalidError: naming the file, variable or flag that is wrong.
    """
    env = os.environ if environment is None else environment
    given = {key: value for key, value in (flags or {}).items() if value is not None}
    found = _directories(given.pop("data_dir", None), env)
    found = found._replace(**_from_file(_config_file(env)))
    found = found._replace(**_from_environment(env))
    return _checked(found._replace(**given))


def _directories(data_dir: Path | str | None, env: Mapping[str, str]) -> Settings:
    """The three directories; with a data directory given, state and cache lie inside it."""
    chosen = data_dir or env.get("PXM_DATA_DIR")
    if chosen:
        data = Path(chosen).expanduser().absolute()
        state, cache = data / "state", data / "cache"
    else:
        import platformdirs

        data = platformdirs.user_data_path(NAME)
        state, cache = platformdirs.user_state_path(NAME), platformdirs.user_cache_path(NAME)
    return Settings(
        data_dir=data,
        state_dir=Path(env["PXM_STATE_DIR"]).absolute() if env.get("PXM_STATE_DIR") else state,
        cache_dir=Path(env["PXM_CACHE_DIR"]).absolute() if env.get("PXM_CACHE_DIR") else cache,
    )


def _config_file(env: Mapping[str, str]) -> Path:
    if env.get("PXM_CONFIG"):
        return Path(env["PXM_CONFIG"])
    home = env.get("XDG_CONFIG_HOME") or str(Path(env.get("HOME", "~")).expanduser() / ".config")
    return Path(home) / NAME / "config.toml"


def _from_file(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _wrong(str(path), f"cannot be read: {error.strerror}") from None
    import tomllib

    from pxm_tui.settings_file import SettingsFile

    try:
        return SettingsFile.load(tomllib.loads(text.decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _wrong(str(path), f"is no TOML: {error}") from None
    except ValueError as error:
        raise _wrong(str(path), str(error)) from None


def _from_environment(env: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if env.get("PXM_REFRESH"):
        found["refresh"] = parse_refresh(env["PXM_REFRESH"], "PXM_REFRESH")
    if env.get("PXM_SECRET_STORE"):
        found["secret_store"] = env["PXM_SECRET_STORE"]
    if env.get("PXM_READ_ONLY"):
        found["read_only"] = parse_switch(env["PXM_READ_ONLY"], "PXM_READ_ONLY")
    if env.get("PXM_SYSLOG"):
        found["syslog"] = parse_switch(env["PXM_SYSLOG"], "PXM_SYSLOG")
    if env.get("PXM_VAULT_PASSPHRASE_FILE"):
        found["passphrase_file"] = Path(env["PXM_VAULT_PASSPHRASE_FILE"]).absolute()
    for key in ("lock_after", "remember_passphrase"):
        name = f"PXM_{key.upper()}"
        if env.get(name):
            found[key] = parse_refresh(env[name], name, "minutes")
    return found


def parse_refresh(text: str, where: str = "--refresh", unit: str = "seconds") -> float | None:
    """A time in its unit, or `off`. Raises `InvalidError`."""
    if text == "off":
        return None
    try:
        return float(text)
    except ValueError:
        raise _wrong(where, f'"{text}" is neither {unit} nor "off"') from None


def parse_switch(text: str, where: str) -> bool:
    """`on` or `off`. Raises `InvalidError`."""
    if text not in {"on", "off"}:
        raise _wrong(where, f'"{text}" is neither "on" nor "off"')
    return text == "on"


def _checked(settings: Settings) -> Settings:
    if settings.secret_store not in SECRET_STORES:
        raise _wrong("secret_store", f'"{settings.secret_store}" is none of {", ".join(SECRET_STORES)}')
    if settings.refresh is not None and not PERIOD_LEAST <= settings.refresh <= PERIOD_MOST:
        raise _wrong("refresh", f"{settings.refresh:g} s is not between {PERIOD_LEAST:g} and {PERIOD_MOST:g}")
    for name, minutes in (
        ("lock_after", settings.lock_after),
        ("remember_passphrase", settings.remember_passphrase),
    ):
        if minutes is not None and not MINUTES_LEAST <= minutes <= MINUTES_MOST:
            raise _wrong(name, f"{minutes:g} minutes is not between {MINUTES_LEAST} and {MINUTES_MOST}")
    if settings.concurrency < 1:
        raise _wrong("concurrency", "is less than 1")
    for name, value in settings._asdict().items():
        if name.endswith("_timeout") and not 0 < value <= PERIOD_MOST:
            raise _wrong(name, f"is not between 0 and {PERIOD_MOST:g} seconds")
    return settings


def _wrong(where: str, why: str) -> InvalidError:
    return InvalidError("settings", f"{where}: {why}.", do="Mend it, or leave it out.", field=where)
