"""Finds the route of a path: what the schema of a release knows, and which of it is simulated."""

from dataclasses import dataclass, field
from functools import cache
from typing import Self

from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.routes import (
    access,
    availability,
    cluster,
    control,
    datacenter,
    guest_table,
    history,
    index,
    login,
    nodes,
    packages,
    pools,
    storages,
    system,
    users,
)
from pxm_tui.simulator.routes.base import Handler, Route
from pxm_tui.simulator.schema.facts import RouteFacts, facts_of_release

MODULES = (
    index,
    login,
    access,
    users,
    control,
    cluster,
    datacenter,
    availability,
    pools,
    storages,
    history,
    nodes,
    packages,
    system,
    guest_table,
)
ROUTES: tuple[Route, ...] = tuple(route for module in MODULES for route in module.ROUTES)

REST = "volume"
"""The placeholder that takes all that is left of a path, slashes included."""


@dataclass(slots=True)
class Branch:
    """One segment of the tree of paths."""

    below: dict[str, Self] = field(default_factory=dict)
    placeholder: tuple[str, Self] | None = None
    methods: dict[str, RouteFacts] = field(default_factory=dict)

    def grow(self, parts: list[str]) -> "Branch":
        """Give the branch at `parts` of a schema's path, made where it does not exist."""
        branch = self
        for part in parts:
            if part.startswith("{"):
                name = part.strip("{}")
                if branch.placeholder is None:
                    branch.placeholder = (name, Branch())
                branch = branch.placeholder[1]
            else:
                branch = branch.below.setdefault(part, Branch())
        return branch


@cache
def _tree(release: Release) -> Branch:
    root = Branch()
    for facts in facts_of_release(release.name):
        root.grow(segments(facts.path)).methods[facts.method] = facts
    return root


@cache
def _handlers() -> dict[tuple[str, str], Handler]:
    return {(route.method, route.path): route.handler for route in ROUTES}


def segments(path: str) -> list[str]:
    """Split a path at its slashes."""
    return [part for part in path.split("/") if part]


def find(release: Release, method: str, parts: list[str]) -> tuple[RouteFacts, dict[str, str]] | None:
    """Find what the schema of a release says of a path, given as its segments.

    Returns:
        The facts and what the path's placeholders stand for; None where the release has no such route.
    """
    branch = _tree(release)
    values = []
    for depth, part in enumerate(parts):
        below = branch.below.get(part)
        if below is not None:
            branch = below
        elif branch.placeholder is None:
            return None
        else:
            name, branch = branch.placeholder
            if name == REST:
                values.append("/".join(parts[depth:]))
                break
            values.append(part)
    facts = branch.methods.get(method)
    if facts is None:
        return None
    names = [part.strip("{}") for part in segments(facts.path) if part.startswith("{")]
    return facts, dict(zip(names, values, strict=True))


def handler_of(facts: RouteFacts) -> Handler | None:
    """Give the handler of a route, None where it is not simulated."""
    return _handlers().get((facts.method, facts.path))
