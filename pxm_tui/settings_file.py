"""The config file, validated. Apart from `settings`, because pydantic is slow to import and most runs have no file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, ValidationError


class SettingsFile(BaseModel):
    """What `config.toml` may hold; every key is optional and named as in `settings.Settings`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    refresh: float | Literal["off"] | None = None
    concurrency: int | None = None
    connect_timeout: float | None = None
    tls_timeout: float | None = None
    first_byte_timeout: float | None = None
    answer_timeout: float | None = None
    secret_store: str | None = None
    passphrase_file: str | None = None
    lock_after: float | Literal["off"] | None = None
    remember_passphrase: float | Literal["off"] | None = None
    ascii: bool | None = None
    mouse: bool | None = None
    read_only: bool | None = None
    syslog: bool | None = None

    @classmethod
    def load(cls, document: dict[str, Any]) -> dict[str, Any]:
        """The settings that the file sets.

        Raises:
            ValueError: naming the first key that is wrong.
        """
        try:
            return cls.model_validate(document)._as_settings()
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            key = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"{key}: {first['msg']}") from None

    def _as_settings(self: Self) -> dict[str, Any]:
        found = self.model_dump(exclude_none=True)
        for name in ("refresh", "lock_after", "remember_passphrase"):
            if found.get(name) == "off":
                found[name] = None
        if "passphrase_file" in found:
            found["passphrase_file"] = Path(found["passphrase_file"]).expanduser().absolute()
        return found
