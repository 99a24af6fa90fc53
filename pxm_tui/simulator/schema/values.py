"""Parameters as they come in a request, and how handlers read them."""

import re

Value = str | int | float | bool | None | list[str] | dict[str, object]
Parameters = dict[str, Value]


def as_text(value: object) -> str:
    """Write a plain value as Perl sees it."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None else str(value)


def text_of(parameters: Parameters, name: str) -> str | None:
    """Give a checked parameter as text, None where it was not sent."""
    value = parameters.get(name)
    if value is None or isinstance(value, list | dict):
        return None
    return as_text(value)


def number_of(parameters: Parameters, name: str) -> int | None:
    """Give a checked integer or boolean, None where it was not sent."""
    text = text_of(parameters, name)
    return None if text is None else int(text)


def split_list(text: str) -> list[str]:
    """Split a list as pve-common's `split_list` does."""
    return [part for part in re.split(r"[,;\s\0]+", text) if part]


def list_of(parameters: Parameters, name: str) -> list[str]:
    """Give a checked list parameter, empty where it was not sent."""
    value = parameters.get(name)
    if isinstance(value, list):
        return [as_text(item) for item in value]
    return split_list(text_of(parameters, name) or "")
