"""Reading the fields of stored documents: each is what it should be, or the document is damaged."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from pxm_tui.storage.problems import DamagedError


def mapping(value: Any, keys: Collection[str]) -> Mapping[str, Any]:
    """A JSON object with exactly these keys."""
    if not isinstance(value, dict) or value.keys() != set(keys):
        raise DamagedError(f"expected an object with {', '.join(sorted(keys))}")
    return value


def items(value: Any) -> list[Any]:
    """A JSON array."""
    if not isinstance(value, list):
        raise DamagedError("expected a list")
    return value


def text(value: Any) -> str:
    """A string."""
    if not isinstance(value, str):
        raise DamagedError("expected a text")
    return value


def optional_text(value: Any) -> str | None:
    """A string or null."""
    return None if value is None else text(value)


def number(value: Any) -> int:
    """A whole number."""
    if type(value) is not int:
        raise DamagedError("expected a whole number")
    return value


def optional_number(value: Any) -> int | None:
    """A whole number or null."""
    return None if value is None else number(value)


def real(value: Any) -> float:
    """A number."""
    if type(value) not in {int, float}:
        raise DamagedError("expected a number")
    return float(value)


def optional_real(value: Any) -> float | None:
    """A number or null."""
    return None if value is None else real(value)


def boolean(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise DamagedError("expected true or false")
    return value


def optional_boolean(value: Any) -> bool | None:
    """True, false or null."""
    return None if value is None else boolean(value)


def moment(value: Any) -> datetime:
    """A time with its zone, in UTC."""
    return _parsed_moment(text(value))


def optional_moment(value: Any) -> datetime | None:
    """A time or null."""
    return None if value is None else moment(value)


@lru_cache(maxsize=4096)
def written(value: datetime) -> str:
    """A time as it is stored: UTC, to the second. Many records share a few moments, so they are remembered."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def optional_written(value: datetime | None) -> str | None:
    """A time as it is stored, or null."""
    return None if value is None else written(value)


@lru_cache(maxsize=4096)
def _parsed_moment(value: str) -> datetime:
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise DamagedError("expected a time") from None
    if parsed.tzinfo is None:
        raise DamagedError("expected a time with its zone")
    return parsed.astimezone(UTC)
