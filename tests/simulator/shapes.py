"""Compares the shapes of two answers: keys and JSON types, kind of object by kind of object."""

from collections.abc import Iterable, Mapping
from typing import Any

KINDS = ("type", "status", "content", "plugintype", "qmpstatus", "key")
"""The keys whose values tell one kind of object in a list from another."""


def json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return {str: "string", list: "array", dict: "object", type(None): "null"}[type(value)]


def kind_of(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(entry.get(key, "")) for key in KINDS)


def differences(ours: Any, theirs: Any, optional: Iterable[str], where: str = "") -> list[str]:
    """Say how `ours` differs from `theirs`.

    Keys in `optional` may be there or not, `*` lets all of them; what begins with `~` may have any type.
    """
    if json_type(ours) != json_type(theirs):
        return [f"{where}: {json_type(ours)} for {json_type(theirs)}"]
    if isinstance(theirs, dict):
        return _of_objects([ours], [theirs], set(optional), where)
    if isinstance(theirs, list) and theirs and ours:
        if not all(isinstance(item, dict) for item in [*ours, *theirs]):
            types, expected = {json_type(item) for item in ours}, {json_type(item) for item in theirs}
            return [] if types <= expected else [f"{where}[]: {types} for {expected}"]
        return _of_lists(ours, theirs, set(optional), where)
    return []


def _of_lists(ours: list[Any], theirs: list[Any], optional: set[str], where: str) -> list[str]:
    """Compare the kinds of objects that both lists hold; where they share none, all of them as one kind."""
    common = {kind_of(entry) for entry in ours} & {kind_of(entry) for entry in theirs}
    if not common:
        return _of_objects(ours, theirs, optional, f"{where}[]")
    found = []
    for kind in sorted(common):
        left, right = ([entry for entry in side if kind_of(entry) == kind] for side in (ours, theirs))
        found += _of_objects(left, right, optional, f"{where}[{'/'.join(filter(None, kind))}]")
    return found


def _of_objects(ours: list[Any], theirs: list[Any], optional: set[str], where: str) -> list[str]:
    any_of_ours, all_of_ours = _keys(ours)
    any_of_theirs, all_of_theirs = _keys(theirs)
    found = []
    if "*" not in optional:
        found += [f"{where}: lacks {key}" for key in sorted(all_of_theirs - any_of_ours - optional)]
        found += [f"{where}: has {key}" for key in sorted(all_of_ours - any_of_theirs - optional)]
    for key in sorted(any_of_ours & any_of_theirs):
        left, right = (_first_value(side, key) for side in (ours, theirs))
        if left is not None and right is not None and f"~{key}" not in optional:
            found += differences(left, right, optional, f"{where}.{key}")
    return found


def _first_value(entries: list[Any], key: str) -> Any:
    """Give the first value of a key that is not null: what may be null says nothing of its type."""
    return next((entry[key] for entry in entries if entry.get(key) is not None), None)


def _keys(entries: list[Any]) -> tuple[set[str], set[str]]:
    sets = [set(entry) for entry in entries]
    return set().union(*sets), set.intersection(*sets)
