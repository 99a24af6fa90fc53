"""Indexes: paths that list what is below them. What that is, the schema's facts say."""

from collections.abc import Callable

from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.schema.facts import facts_of_release

KEYS = {
    "/": "subdir",
    "/access": "subdir",
    "/cluster": "name",
    "/cluster/config": "name",
    "/cluster/ha": "id",
    "/cluster/ha/status": "name",
    "/cluster/backup-info": "subdir",
    "/cluster/metrics": "name",
    "/nodes/{node}": "name",
    "/nodes/{node}/apt": "id",
    "/nodes/{node}/capabilities": "name",
    "/nodes/{node}/certificates": "name",
    "/nodes/{node}/disks": "name",
    "/nodes/{node}/services/{service}": "subdir",
    "/nodes/{node}/storage/{storage}": "subdir",
}
"""The indexes, and the key that each of them has for the names of what is below. Guests and tasks have their own."""


def below(path: str, release: Release) -> list[str]:
    """List the names that the schema of a release knows right below a path."""
    start = "/" if path == "/" else f"{path}/"
    names = {
        facts.path.removeprefix(start).partition("/")[0]
        for facts in facts_of_release(release.name)
        if facts.path.startswith(start) and facts.path != path
    }
    return sorted(name for name in names if not name.startswith("{"))


def _index(path: str, key: str) -> Callable[[Call], list[Entry]]:
    def show(call: Call) -> list[Entry]:
        return [{key: name} for name in below(path, call.release)]

    return show


ROUTES = tuple(Route("GET", path, _index(path, key)) for path, key in KEYS.items())
