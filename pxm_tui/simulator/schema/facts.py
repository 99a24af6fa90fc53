"""The facts of every route of every release, read from `routes.json` when the first request comes."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Self

FACTS = Path(__file__).with_name("routes.json")

INDEXED = {
    "net": 32,
    "ide": 4,
    "sata": 6,
    "scsi": 31,
    "virtio": 16,
    "mp": 256,
    "unused": 256,
    "dev": 256,
    "hostpci": 16,
    "ipconfig": 32,
    "numa": 8,
    "parallel": 3,
    "serial": 4,
    "usb": 14,
    "virtiofs": 10,
    "link": 8,
    "acmedomain": 6,
}
"""How many of a numbered parameter there are; the schema writes all of them as one, such as `net[n]`."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a route, or one part of a property string.

    Attributes:
        kind: `string`, `integer`, `number`, `boolean`, `array`, …
        form: name of the format that a string must have, if any.
        parts: the parts of a property string, such as those of `virtio,bridge=vmbr0`.
        requires: another parameter that must come with it.
        default_key: it is the part of a property string that may come without its name.
        alias: the part that this one is another name of.
        key_alias: the part that takes this one's name as its value, such as `model` in `virtio=MAC`.
    """

    kind: str = "string"
    optional: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: re.Pattern[str] | None = None
    form: str | None = None
    parts: Mapping[str, "Parameter"] | None = None
    items: "Parameter | None" = None
    requires: str | None = None
    default_key: bool = False
    alias: str | None = None
    key_alias: str | None = None

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """Read the parameter that `facts` describe."""
        form = facts.get("format")
        items = facts.get("items")
        return cls(
            kind=facts.get("type", "string"),
            optional=bool(facts.get("optional")),
            choices=tuple(str(choice) for choice in facts.get("enum", ())),
            minimum=_number(facts.get("minimum")),
            maximum=_number(facts.get("maximum")),
            min_length=facts.get("minLength"),
            max_length=facts.get("maxLength"),
            pattern=python_pattern(facts["pattern"]) if "pattern" in facts else None,
            form=form if isinstance(form, str) else None,
            parts={name: cls.from_facts(part) for name, part in form.items()} if isinstance(form, dict) else None,
            items=cls.from_facts(items) if items else None,
            requires=facts.get("requires"),
            default_key=bool(facts.get("default_key")),
            alias=facts.get("alias"),
            key_alias=facts.get("keyAlias"),
        )


def _number(limit: float | str | None) -> float | None:
    """Read a limit, which some schemas have as a string."""
    return int(limit) if isinstance(limit, str) else limit


def python_pattern(perl: str) -> re.Pattern[str]:
    """Compile a regular expression that was written for Perl."""
    return re.compile(re.sub(r"\(\?\^?([a-z]*):", lambda match: f"(?{match.group(1).replace('u', '')}:", perl))


@dataclass(frozen=True)
class RouteFacts:
    """What the schema says of one method of one path in one release.

    Attributes:
        permission: who may call it: `user` (all, world), `check` (a test as Proxmox writes them) or neither;
            None where only root@pam may.
        protected: runs in pvedaemon.
        tokens: API tokens are accepted.
        proxied: belongs to the node in the path and is handed on to it.
        open_ended: parameters that are not named are let through.
    """

    method: str
    path: str
    permission: Mapping[str, Any] | None
    protected: bool
    tokens: bool
    proxied: bool
    open_ended: bool
    numbers: Mapping[str, int] = field(repr=False)

    @cached_property
    def parameters(self) -> dict[str, Parameter]:
        """The parameters by name; numbered ones as `net[n]`."""
        return {name: _parameter(number) for name, number in self.numbers.items()}

    def parameter(self, name: str) -> Parameter | None:
        """Give the parameter of a name, None where there is none."""
        plain = self.parameters.get(name)
        if plain is not None or not name[-1:].isdigit():
            return plain
        stem = name.rstrip("0123456789")
        number = name[len(stem) :]
        known = int(number) < INDEXED.get(stem, 0) and str(int(number)) == number
        return self.parameters.get(f"{stem}[n]") if known else None


ROOT_INDEX = RouteFacts("GET", "/", {"user": "all"}, False, True, False, False, {})
"""The root of the API, which the schema does not list."""


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(FACTS.read_text(encoding="utf-8"))
    return document


@cache
def _parameter(number: int) -> Parameter:
    return Parameter.from_facts(_document()["parameters"][number])


@cache
def facts_of_release(release: str) -> tuple[RouteFacts, ...]:
    """Give the facts of all routes of a release, such as `8.4`."""
    permissions = _document()["permissions"]
    found = [ROOT_INDEX]
    for path, methods in _document()["routes"].items():
        for method, variants in methods.items():
            for releases, numbers, permission, flags in variants:
                if release in releases:
                    known = None if permission is None else permissions[permission]
                    letters = ("p" in flags, "t" in flags, "n" in flags, "a" in flags)
                    found.append(RouteFacts(method, path, known, *letters, numbers))
    return tuple(found)
