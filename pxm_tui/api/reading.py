"""Requests, from bytes and query to models. What is refused is named, never quoted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, get_origin

from pydantic import ValidationError
from yarl import URL

from pxm_tui.api import faults, models
from pxm_tui.api.routes import JSON
from pxm_tui.domain.errors import InvalidError
from pxm_tui.domain.text import one_line

if TYPE_CHECKING:
    from aiohttp import web

    from pxm_tui.api.limits import Limits

Model = TypeVar("Model", bound=models.Request)

_NOT_AN_OBJECT = frozenset({"model_type", "model_attributes_type"})
_ELSEWHERE = {
    "trust": "the trust",
    "fingerprint": "the trust",
    "ca": "the trust",
    "ca_file": "the trust",
    "username": "the login",
    "password": "the login",
    "token_id": "the login",
    "token_secret": "the login",
    "otp": "the login",
    "login": "the login",
}
"""What a PATCH may not change, by the field with which it is tried."""


async def read_body(request: web.BaseRequest, model: type[Model], limits: Limits) -> Model:
    """The body of a request.

    Raises:
        Refusal: 400, 408, 413, 415, or 422 naming the first field that is wrong.
    """
    if request.content_type != JSON or not _plain(request):
        raise faults.not_json()
    if (request.content_length or 0) > limits.body:
        raise faults.too_large(limits.body)
    try:
        async with asyncio.timeout(limits.head_seconds):
            raw = await request.read()
    except TimeoutError:
        raise faults.slow_body(limits.head_seconds) from None
    return parse_body(raw, model)


def _plain(request: web.BaseRequest) -> bool:
    charset = (request.charset or "utf-8").lower()
    return (
        charset in {"utf-8", "utf8", "us-ascii"} and request.headers.get("Content-Encoding", "identity") == "identity"
    )


def parse_body(raw: bytes, model: type[Model]) -> Model:
    """As `read_body`, of the bytes."""
    try:
        return model.model_validate_json(raw, strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            raise faults.malformed("The body is not JSON.") from None
        if first["type"] in _NOT_AN_OBJECT and not first["loc"]:
            raise faults.malformed("The body is JSON, but not an object.") from None
        raise faults.refusal(_wrong_field(first["loc"], first["type"], first["msg"], model)) from None


def _wrong_field(location: Sequence[int | str], kind: str, said: str, model: type[models.Request]) -> InvalidError:
    field = one_line(".".join(map(str, location)), 80)
    if kind == "extra_forbidden" and model is models.EditRequest and field in _ELSEWHERE:
        return InvalidError(
            field,
            f"{_ELSEWHERE[field][:1].upper()}{_ELSEWHERE[field][1:]} of a registered cluster cannot be changed here.",
            do="On the server: `pxm edit`, or e in the terminal UI.",
            field=field,
        )
    message = "there is no such field" if kind == "extra_forbidden" else said
    return InvalidError("field", f"{field}: {message}.", field=field)


def read_parameters(url: URL, model: type[Model]) -> Model:
    """The query of a request; a parameter that is not known is refused, for it may be a mistyped `dry_run`.

    Raises:
        Refusal: 422, naming the first parameter that is wrong.
    """
    found: dict[str, Any] = {}
    for name in url.query:
        values = url.query.getall(name)
        known = model.model_fields.get(name)
        many = known is not None and get_origin(known.annotation) is list
        if not many and len(values) > 1:
            raise faults.refusal(_wrong_parameter(name, "it was given several times"))
        found[name] = values if many else values[0]
    try:
        return model.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        said = "there is no such parameter" if first["type"] == "extra_forbidden" else first["msg"]
        raise faults.refusal(_wrong_parameter(str(first["loc"][0]), said)) from None


def _wrong_parameter(name: str, why: str) -> InvalidError:
    shown = one_line(name, 80)
    return InvalidError("parameter", f"{shown}: {why}.", do="/docs lists what there is.", field=shown)
