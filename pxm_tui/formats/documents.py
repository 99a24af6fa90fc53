"""JSON, YAML and TOML, parsed. What is said of a file that is none of them quotes nothing of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any, TypeVar

from pxm_tui.domain.errors import InvalidError

T = TypeVar("T")

MOST_ROWS = 10_000
MOST_VALUES = 1_500_000
"""Values and keys in a file of YAML; ten thousand rows of an export have half as many."""

_TOML_PLACE = re.compile(r"\(at (line \d+, column \d+|end of document)\)")


def bad_file(why: str, do: str = "") -> InvalidError:
    """The error for a file that cannot be read as what it seems to be; `why` quotes nothing of it."""
    return InvalidError("file", f"The file {why}.", do=do, field="file")


def not_too_many(entries: Iterable[T]) -> Iterator[T]:
    """The entries, not more than anybody has. Raises `InvalidError` before anything is made of the others."""
    for number, entry in enumerate(entries, start=1):
        if number > MOST_ROWS:
            raise bad_file(f"has more than {MOST_ROWS} rows", "Import it in parts.")
        yield entry


def text_of(data: bytes) -> str:
    """The text of a file. Raises `InvalidError`."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise bad_file("is no text in UTF-8") from None


def read_json(text: str) -> Any:
    """The document. Raises `InvalidError`."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise bad_file(f"is no JSON: line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise bad_file("is nested too deeply") from None
    except ValueError:  # a number of thousands of digits
        raise bad_file("is no JSON") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise bad_file("has a key twice in one object", "Keep one of them.")
    return found


def read_toml(text: str) -> dict[str, Any]:
    """The document. Raises `InvalidError`."""
    import tomllib

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        raise bad_file(f"is no TOML{f': {place[1]}' if place else ''}") from None
    except ValueError:
        raise bad_file("is no TOML") from None
    except RecursionError:
        raise bad_file("is nested too deeply") from None


def read_yaml(text: str) -> Any:
    """The document; every scalar is text, but for an unquoted null.

    So a password such as 0123 or 1e5 stays what was typed, and nothing in the file makes an object.

    Raises:
        InvalidError: it is no YAML.
    """
    import yaml

    try:
        return yaml.load(text, _loader())  # noqa: S506  (it knows text, lists and mappings only)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f": line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise bad_file(f"is no YAML{place}") from None
    except yaml.YAMLError:
        raise bad_file("is no YAML: it has characters that YAML forbids") from None
    except RecursionError:
        raise bad_file("is nested too deeply") from None


@cache
def _loader() -> Any:
    """Made at the first use, because the library takes a while to import."""
    import yaml

    class TextLoader(getattr(yaml, "CBaseLoader", yaml.BaseLoader)):  # type: ignore[misc]
        """Text, lists, mappings and null; each key once. Not more than anybody has: each value takes microseconds."""

        _values = 0

        def descend_resolver(self, current_node: Any, current_index: Any) -> None:
            """Called before each value is read; its index where it is in a list."""
            self._values += 1
            if isinstance(current_index, int) and current_index >= MOST_ROWS:
                raise bad_file(f"has more than {MOST_ROWS} rows", "Import it in parts.")
            if self._values > MOST_VALUES:
                raise bad_file(f"has more than {MOST_VALUES} values", "Import it in parts.")
            super().descend_resolver(current_node, current_index)

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            found = {}
            for key_node, value_node in node.value:
                key = self.construct_object(key_node, deep=deep)
                if not isinstance(key, str) or key in found:
                    line = key_node.start_mark.line + 1
                    raise bad_file(f"has a key twice, or one that is no text: line {line}", "Keep one of them.")
                found[key] = self.construct_object(value_node, deep=deep)
            return found

    TextLoader.add_implicit_resolver(
        "tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""]
    )
    TextLoader.add_constructor("tag:yaml.org,2002:null", lambda *_: None)
    return TextLoader
