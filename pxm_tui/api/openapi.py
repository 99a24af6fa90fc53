"""The OpenAPI 3.1 document, made from the routes and their models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from pxm_tui import __version__
from pxm_tui.api import models
from pxm_tui.api.routes import JSON, ROUTES, Reply, Route

_TEMPLATE = "#/components/schemas/{model}"

FAILURES = {
    400: "It is not a JSON object.",
    401: "No valid bearer token.",
    403: "The token's role may not do this.",
    404: "There is no such cluster.",
    408: "The request did not come to its end.",
    409: "The name, or the cluster itself, is registered already.",
    413: "The body is too large.",
    415: "The body is not sent as JSON.",
    422: "A field is not valid, or the cluster refused: login, certificate, privileges.",
    429: "Too many requests.",
    502: "What answered is not a usable Proxmox VE.",
    504: "The cluster cannot be reached, or did not answer in time.",
    507: "The data directory or the secret store cannot be used.",
}
_HEADERS = {
    401: ("WWW-Authenticate", "How to log in."),
    429: ("Retry-After", "Seconds to wait."),
}
_DESCRIPTION = (
    "The registered Proxmox VE clusters, as the screens and the command line show them. "
    'Times are UTC. Null is "not known, or the login may not see it". No answer holds a secret.'
)


@cache
def document() -> dict[str, Any]:
    """The document."""
    references, schemas = _schemas()
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {"title": "pxm", "version": __version__, "description": _DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "Made by `pxm serve token add`."}
            },
        },
    }


@cache
def document_bytes() -> bytes:
    """The document as it is served."""
    return json.dumps(document()).encode()


_References = Mapping[tuple[type[Any], JsonSchemaMode], dict[str, Any]]


def _schemas() -> tuple[_References, dict[str, Any]]:
    wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {(models.Failure, "serialization"): None}
    for route in ROUTES:
        wanted |= {(reply.model, "serialization"): None for reply in route.replies.values() if reply.model}
        if route.body is not None:
            wanted[route.body, "validation"] = None
    references, definitions = models_json_schema(list(wanted), ref_template=_TEMPLATE)
    return references, definitions["$defs"]


def _operation(route: Route, references: _References) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "security": [{"token": []}] if route.role else [],
        "parameters": [*_path_parameters(route.path), *_query_parameters(route.parameters)],
        "responses": {str(status): response for status, response in _responses(route, references)},
    }
    if route.role:
        found["x-pxm-role"] = route.role
    if route.body is not None:
        schema = references[route.body, "validation"]
        found["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    return found


def _path_parameters(path: str) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}}


def _query_parameters(parameters: type[models.Request]) -> Iterable[dict[str, Any]]:
    schema = parameters.model_json_schema()
    for name, found in schema.get("properties", {}).items():
        shown = {key: value for key, value in found.items() if key not in {"description", "title"}}
        yield {"name": name, "in": "query", "description": found.get("description", ""), "schema": _not_null(shown)}


def _not_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is left out, never null."""
    kinds = [kind for kind in schema.pop("anyOf", []) if kind != {"type": "null"}]
    if schema.get("default", schema) is None:
        del schema["default"]
    return {**schema, **kinds[0]} if kinds else schema


def _responses(route: Route, references: _References) -> Iterable[tuple[int, dict[str, Any]]]:
    for status, reply in sorted(route.replies.items()):
        yield status, _success(reply, references)
    failure = {JSON: {"schema": references[models.Failure, "serialization"]}}
    for status in route.failures:
        found: dict[str, Any] = {"description": FAILURES[status], "content": failure}
        if status in _HEADERS:
            found["headers"] = _headers([_HEADERS[status]])
        yield status, found


def _success(reply: Reply, references: _References) -> dict[str, Any]:
    found: dict[str, Any] = {"description": reply.what}
    if reply.media:
        schema = references[reply.model, "serialization"] if reply.model else _PLAIN.get(reply.media, {})
        found["content"] = {reply.media: {"schema": schema}}
    if reply.headers:
        found["headers"] = _headers(reply.headers)
    return found


_PLAIN: dict[str, dict[str, Any]] = {"text/plain": {"type": "string"}, "text/html": {"type": "string"}}


def _headers(headers: Iterable[tuple[str, str]]) -> dict[str, Any]:
    return {name: {"description": what, "required": True, "schema": {"type": "string"}} for name, what in headers}
