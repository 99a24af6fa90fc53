"""Reduces the official schemas of Proxmox VE's API to the bare facts that the simulator validates by.

    python -m tests.simulator.reduce_schema FOLDER

reads `apidoc-6.4.json`, `-7.4`, `-8.4` and `-9.2` in FOLDER (pve-docs, api-viewer/apidata.js: path, method,
then name, parameters, returns, permissions) and writes `pxm_tui/simulator/schema/routes.json`. What stays are
facts: paths, methods, names, types, limits, patterns, names of formats, privileges, who runs a call. What goes
are all texts, the return schemas, and defaults, which Proxmox does not apply when it validates.

The file has one line for each path. `parameters` and `permissions` are tables that routes point into, since
most of it is the same in many routes and releases. A route's variants are ordered by release:

    path -> method -> [[releases], {parameter: index}, permission index or null, flags]

where the letters of `flags` are p (protected, runs in pvedaemon), t (accepts API tokens), n (handed on to the
node in the path) and a (accepts parameters that it does not name).
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RELEASES = ("6.4", "7.4", "8.4", "9.2")
TARGET = Path(__file__).resolve().parents[2] / "pxm_tui" / "simulator" / "schema" / "routes.json"
SOURCE = (
    "Facts of the API of Proxmox VE 6.4-15, 7.4-16, 8.4.5 and 9.2.3, taken from the machine-readable schema of "
    "pve-docs (api-viewer/apidata.js) by tests/simulator/reduce_schema.py"
)
KEPT = (
    *("type", "optional", "enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "requires"),
    *("default_key", "alias", "keyAlias"),
)


class Table:
    """Numbers things so that equal ones are written once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, thing: object) -> int:
        """Give the number of `thing`, a new one where it was not seen before."""
        return self._numbers.setdefault(compact(thing), len(self._numbers))

    @property
    def things(self) -> list[Any]:
        """All things in the order of their numbers."""
        return [json.loads(text) for text in self._numbers]


def compact(thing: object) -> str:
    return json.dumps(thing, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def reduce_parameter(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the facts of one parameter, of its property string and of its items."""
    facts = {key: schema[key] for key in KEPT if schema.get(key) not in (None, {}, "")}
    if facts.get("type") == "string":
        del facts["type"]
    if not facts.get("optional", 1):
        del facts["optional"]
    if isinstance(facts.get("requires"), dict):
        del facts["requires"]
    form = schema.get("format")
    if isinstance(form, dict):
        facts["format"] = {key: reduce_parameter(part) for key, part in sorted(form.items())}
    elif form:
        facts["format"] = form
    if isinstance(schema.get("items"), dict) and schema["items"]:
        facts["items"] = reduce_parameter(schema["items"])
    return facts


def reduce_method(method: Mapping[str, Any], parameters: Table, permissions: Table) -> list[Any]:
    """Reduce one method of one release, all but the release."""
    properties = (method.get("parameters") or {}).get("properties") or {}
    numbered = {name: parameters.number(reduce_parameter(schema)) for name, schema in sorted(properties.items())}
    permission = {key: value for key, value in (method.get("permissions") or {}).items() if key in {"check", "user"}}
    flagged = {
        "p": method.get("protected"),
        "t": method.get("allowtoken", 1),
        "n": method.get("proxyto") == "node",
        "a": (method.get("parameters") or {}).get("additionalProperties"),
    }
    known = permissions.number(permission) if permission else None
    return [numbered, known, "".join(letter for letter, is_set in flagged.items() if is_set)]


def reduce_all(folder: Path) -> dict[str, Any]:
    """Reduce the schemas of all releases."""
    parameters, permissions = Table(), Table()
    routes: dict[str, dict[str, list[Any]]] = {}
    for release in RELEASES:
        paths = json.loads((folder / f"apidoc-{release}.json").read_text())["paths"]
        for path, methods in sorted(paths.items()):
            for name, method in sorted(methods.items()):
                facts = reduce_method(method, parameters, permissions)
                variants = routes.setdefault(path, {}).setdefault(name, [])
                if variants and variants[-1][1:] == facts:
                    variants[-1][0].append(release)
                else:
                    variants.append([[release], *facts])
    return {
        "source": SOURCE,
        "parameters": parameters.things,
        "permissions": permissions.things,
        "routes": dict(sorted(routes.items())),
    }


def render(facts: Mapping[str, Any]) -> str:
    """Write the facts as JSON, a line for each entry."""
    parts = [f'"source":{compact(facts["source"])}']
    for name in ("parameters", "permissions"):
        parts.append(f'"{name}":[\n' + ",\n".join(map(compact, facts[name])) + "\n]")
    lines = (f"{compact(path)}:{compact(methods)}" for path, methods in facts["routes"].items())
    parts.append('"routes":{\n' + ",\n".join(lines) + "\n}")
    return "{" + ",\n".join(parts) + "}\n"


if __name__ == "__main__":
    TARGET.write_text(render(reduce_all(Path(sys.argv[1]))), encoding="utf-8")
