"""The OpenAPI document as one page for people. It loads nothing: no script, no font, no network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from html import escape
from typing import Any

from pxm_tui.api.openapi import document

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
       color: #222; background: #fff }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.1rem } h3 { margin: 1.5rem 0 .25rem; font-size: 1rem }
code { font: 13px ui-monospace, monospace } .method { font-weight: bold; margin-right: .5rem }
table { border-collapse: collapse; width: 100%; margin: .25rem 0 1rem }
td { border-top: 1px solid #ddd; padding: .25rem .75rem .25rem 0; vertical-align: top }
td:first-child { width: 14rem }
@media (prefers-color-scheme: dark) {
  body { color: #ddd; background: #181818 } td { border-color: #444 } a { color: #8cf } }
"""


def policy() -> str:
    """The page's Content-Security-Policy: nothing but its own style."""
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def page() -> bytes:
    """The page."""
    spec = document()
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width"><title>pxm REST API</title>',
        f"<style>{_STYLE}</style></head><body>",
        f"<h1>pxm REST API {_text(spec['info']['version'])}</h1>",
        f"<p>{_text(spec['info']['description'])}</p>",
        '<p>The same for programs: <a href="openapi.json">openapi.json</a>.</p>',
        *_operations(spec),
        "<h2>Forms</h2>",
        *_schemas(spec["components"]["schemas"]),
        "</body></html>",
    ]
    return "\n".join(parts).encode()


def _operations(spec: dict[str, Any]) -> Iterator[str]:
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            yield (
                f'<h2><span class="method">{method.upper()}</span><code>{_text(path)}</code></h2>'
                f"<p>{_text(operation['summary'])} {_who(operation)}</p>"
            )
            yield from _table(
                (f"<code>{_text(parameter['name'])}</code> {_kind(parameter['schema'])}", parameter.get("description"))
                for parameter in operation["parameters"]
                if parameter["in"] == "query"
            )
            if "requestBody" in operation:
                yield f"<p>Body: {_content(operation['requestBody'])}</p>"
            yield from _table(
                (f"{status} {_content(response)}", response["description"])
                for status, response in operation["responses"].items()
            )


def _who(operation: dict[str, Any]) -> str:
    role = operation.get("x-pxm-role")
    return f"Takes a token of the role <b>{_text(role)}</b>." if role else "Needs no token."


def _content(holder: dict[str, Any]) -> str:
    return ", ".join(_kind(media["schema"]) or _text(name) for name, media in holder.get("content", {}).items())


def _schemas(schemas: dict[str, Any]) -> Iterator[str]:
    for name, schema in schemas.items():
        yield f'<h3 id="{_text(name)}"><code>{_text(name)}</code></h3><p>{_text(schema.get("description", ""))}</p>'
        required = set(schema.get("required", ()))
        yield from _table(
            (
                f"<code>{_text(field)}</code>{'' if field in required else ' (may be left out)'}",
                f"{_kind(found)} {_text(found.get('description', ''))}",
                True,
            )
            for field, found in schema.get("properties", {}).items()
        )


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words, with a link where it has a name."""
    if "$ref" in schema:
        name = _text(schema["$ref"].rsplit("/", 1)[-1])
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(_text(str(value)) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"{_text(schema['type'])} of {_kind(schema['additionalProperties'])}"
    return _text(str(schema.get("format", schema.get("type", schema.get("const", "")))))


def _table(rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    """Rows of a cell of HTML and a cell of text, or of HTML where a third says so."""
    cells = [f"<tr><td>{row[0]}</td><td>{row[1] if row[2:] else _text(row[1] or '')}</td></tr>" for row in rows]
    if cells:
        yield f"<table>{''.join(cells)}</table>"


def _text(text: str) -> str:
    return escape(text)
