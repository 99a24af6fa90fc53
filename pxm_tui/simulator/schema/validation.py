"""Checks parameters as Proxmox does (pve-common, JSONSchema.pm)."""

import re
from collections.abc import Mapping

from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.schema.facts import Parameter, RouteFacts
from pxm_tui.simulator.schema.formats import FormatError, check_format, parse_property_string
from pxm_tui.simulator.schema.values import Parameters, as_text

UNKNOWN = "property is not defined in schema and the schema does not allow additional properties"
MISSING = "property is missing and it is not optional"
NUMBER = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?")


class Errors(dict[str, str]):
    """What is wrong, by parameter."""

    def add(self, name: str, problem: str) -> None:
        """Note a problem; several of one parameter are joined by the two characters backslash and n."""
        self[name] = f"{self[name]}\\n{problem}" if name in self else problem


def check(parameters: Parameters, facts: RouteFacts, release: Release) -> dict[str, str]:
    """Check the parameters of path, query and body against the route's facts.

    Returns:
        What is wrong, by parameter; empty where nothing is.
    """
    errors = Errors()
    for name, parameter in facts.parameters.items():
        if not parameter.optional and parameters.get(name) is None:
            errors.add(name, MISSING)
    for name, value in parameters.items():
        known = facts.parameter(name)
        if known is None:
            if not facts.open_ended:
                errors.add(name, UNKNOWN)
            continue
        if value is not None:
            check_value(value, known, name, errors, release)
        if known.requires and parameters.get(known.requires) is None:
            errors.add(known.requires, f"missing property required by '{name}'")
    return dict(errors)


def check_value(value: object, parameter: Parameter, name: str, errors: Errors, release: Release) -> None:
    """Check one value and note in `errors` what is wrong with it."""
    if parameter.kind == "array" and not isinstance(value, list) and release.at_least(8):
        value = [value]
    mismatch = _type_problem(value, parameter.kind)
    if mismatch is not None:
        errors.add(name, f"type check ('{parameter.kind}') failed{mismatch}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if parameter.items is not None:
                check_value(item, parameter.items, f"{name}[{index}]", errors, release)
    elif not isinstance(value, dict):
        text = as_text(value)
        problem = _form_problem(text, parameter, name, release) or _limit_problem(text, parameter)
        if problem:
            errors.add(name, problem)


def _type_problem(value: object, kind: str) -> str | None:
    """Say why a value is not of a kind; None where it is."""
    if kind in {"array", "object"}:
        return None if isinstance(value, list if kind == "array" else dict) else ""
    if isinstance(value, list | dict):
        return f" - got {'HASH' if isinstance(value, dict) else 'ARRAY'}"
    if isinstance(value, bool) and kind != "boolean":
        return " - got JSON::PP::Boolean"
    text = as_text(value)
    fits = {
        "boolean": lambda: text in {"0", "1"},
        "integer": lambda: bool(re.fullmatch(r"[+-]?\d+", text)),
        "number": lambda: bool(NUMBER.fullmatch(text)),
    }
    accepted = fits.get(kind, lambda: True)()
    return None if accepted else f" - got '{text}'"


def _form_problem(text: str, parameter: Parameter, name: str, release: Release) -> str | None:
    try:
        if parameter.parts is not None:
            _check_property_string(text, parameter.parts, name, release)
        elif parameter.form is not None:
            check_format(parameter.form, text, release)
    except FormatError as error:
        return f"invalid format - {error}"
    return None


def _check_property_string(text: str, parts: Mapping[str, Parameter], name: str, release: Release) -> None:
    values = parse_property_string(text, parts)
    errors = Errors()
    for key, part in parts.items():
        if key not in values and not part.optional and part.alias is None:
            errors.add(f"{name}.{key}", MISSING)
    for key, value in values.items():
        part = parts[key]
        check_value(value, part, f"{name}.{key}", errors, release)
        if part.requires and part.requires not in values:
            errors.add(f"{name}.{part.requires}", f"missing property required by '{name}.{key}'")
    if errors:
        lines = "".join(f"{key}: {problem}\n" for key, problem in errors.items())
        raise FormatError(f"format error\n{lines}")


def _limit_problem(text: str, parameter: Parameter) -> str | None:
    """Check pattern, length, size and choice, in this order; the first problem is all that is told."""
    for limit in (_pattern_problem, _length_problem, _size_problem, _choice_problem):
        problem = limit(text, parameter)
        if problem:
            return problem
    return None


def _pattern_problem(text: str, parameter: Parameter) -> str | None:
    if parameter.pattern is None or parameter.pattern.fullmatch(text):
        return None
    return "value does not match the regex pattern"


def _length_problem(text: str, parameter: Parameter) -> str | None:
    if parameter.max_length is not None and len(text) > parameter.max_length:
        return f"value may only be {parameter.max_length} characters long"
    if parameter.min_length is not None and len(text) < parameter.min_length:
        return f"value must be at least {parameter.min_length} characters long"
    return None


def _size_problem(text: str, parameter: Parameter) -> str | None:
    if not NUMBER.fullmatch(text):
        return None
    if parameter.maximum is not None and float(text) > parameter.maximum:
        return f"value must have a maximum value of {parameter.maximum}"
    if parameter.minimum is not None and float(text) < parameter.minimum:
        return f"value must have a minimum value of {parameter.minimum}"
    return None


def _choice_problem(text: str, parameter: Parameter) -> str | None:
    if not parameter.choices or text in parameter.choices:
        return None
    return f"value '{text}' does not have a value in the enumeration '{', '.join(parameter.choices)}'"
