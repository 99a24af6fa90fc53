"""Parameters of a route and how Proxmox checks them (pve-common, JSONSchema.pm)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pxm_tui.simulator.releases import Release

Value = str | int | float | bool | None | list[str] | dict[str, object]
Parameters = dict[str, Value]

UNKNOWN = "property is not defined in schema and the schema does not allow additional properties"
MISSING = "property is missing and it is not optional"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a route.

    Attributes:
        kind: `string`, `integer` or `boolean`.
        since: the first release that knows it.
        until: the first release that does not know it any more.
        requires: another parameter that must come with it.
        choices: the values that are allowed, if not all are.
    """

    kind: str = "string"
    optional: bool = True
    since: tuple[int, int] = (6, 4)
    until: tuple[int, int] | None = None
    minimum: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    requires: str | None = None
    choices: tuple[str, ...] = ()

    def known_to(self, release: Release) -> bool:
        """Tell whether a release has this parameter."""
        return self.since <= release.number and (self.until is None or release.number < self.until)


def check(parameters: Parameters, schema: Mapping[str, Parameter], release: Release) -> dict[str, str]:
    """Check parameters against their schema.

    Returns:
        What is wrong, by parameter; empty where nothing is.
    """
    known = {name: parameter for name, parameter in schema.items() if parameter.known_to(release)}
    errors: dict[str, str] = {}
    for name, value in parameters.items():
        problem = UNKNOWN if name not in known else _problem(value, known[name])
        if problem:
            errors[name] = problem
    for name, parameter in known.items():
        if name not in parameters:
            if not parameter.optional:
                errors[name] = MISSING
        elif parameter.requires and parameter.requires not in parameters:
            errors[parameter.requires] = f"missing property required by '{name}'"
    return errors


def _problem(value: Value, parameter: Parameter) -> str | None:
    if isinstance(value, list | dict):
        return f"type check ('{parameter.kind}') failed - got {'HASH' if isinstance(value, dict) else 'ARRAY'}"
    problems = {"boolean": _boolean_problem, "integer": _integer_problem, "string": _string_problem}
    return problems[parameter.kind](_as_text(value), parameter)


def _boolean_problem(text: str, _parameter: Parameter) -> str | None:
    return None if text in {"0", "1"} else f"type check ('boolean') failed - got '{text}'"


def _string_problem(text: str, parameter: Parameter) -> str | None:
    if parameter.max_length is not None and len(text) > parameter.max_length:
        return f"value may only be {parameter.max_length} characters long"
    if parameter.pattern is not None and not re.fullmatch(parameter.pattern, text):
        return "value does not match the regex pattern"
    if parameter.choices and text not in parameter.choices:
        return f"value '{text}' does not have a value in the enumeration '{', '.join(parameter.choices)}'"
    return None


def _integer_problem(text: str, parameter: Parameter) -> str | None:
    if not re.fullmatch(r"[+-]?\d+", text):
        return f"type check ('integer') failed - got '{text}'"
    if parameter.minimum is not None and int(text) < parameter.minimum:
        return f"value must have a minimum value of {parameter.minimum}"
    return None


def _as_text(value: str | int | float | bool | None) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return "" if value is None else str(value)


def text_of(parameters: Parameters, name: str) -> str | None:
    """Give a checked parameter as text, None where it was not sent."""
    value = parameters.get(name)
    if value is None or isinstance(value, list | dict):
        return None
    return _as_text(value)


def number_of(parameters: Parameters, name: str) -> int | None:
    """Give a checked integer or boolean, None where it was not sent."""
    text = text_of(parameters, name)
    return None if text is None else int(text)
