"""Reads parameters out of a query and a body (pve-http-server, AnyEvent.pm, extract_params)."""

import json
import re
from urllib.parse import unquote_to_bytes

from pxm_tui.simulator.errors import ProtocolError
from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.schema.values import Parameters

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


def read_parameters(query: str, body: bytes, content_type: str, release: Release) -> Parameters:
    """Merge the parameters of query and body; the query wins.

    Raises:
        ProtocolError: the body says it is JSON and is not.
    """
    if content_type.startswith(JSON) and body:
        parameters = _read_json(body, release)
    else:
        parameters = _read_form(body.decode("utf-8", "replace"))
    parameters.update(_read_form(query))
    parameters.pop("_dc", None)
    return parameters


def _read_form(text: str) -> Parameters:
    """Split a form: `&` and `;` separate, a repeated key makes a list; a second `=` ends the value."""
    parameters: Parameters = {}
    for pair in re.split("[&;]", text):
        if not pair:
            continue
        name, _, rest = pair.partition("=")
        _add(parameters, _decode(name), _decode(rest.partition("=")[0]))
    return parameters


def _add(parameters: Parameters, name: str, value: str) -> None:
    present = parameters.get(name)
    if present is None:
        parameters[name] = value
    elif isinstance(present, list):
        present.append(value)
    else:
        parameters[name] = [str(present), value]


def _decode(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")


def _read_json(body: bytes, release: Release) -> Parameters:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise _json_error(body, error, release) from None
    return value if isinstance(value, dict) else {}


def _json_error(body: bytes, error: ValueError, release: Release) -> ProtocolError:
    """Say what is wrong in the words of Perl's JSON module, as far as they matter."""
    position = getattr(error, "pos", 0)
    expected_name = str(error).startswith("Expecting property name")
    what = (
        "'\"' expected"
        if expected_name
        else "malformed JSON string, neither tag, array, object, number, string or atom"
    )
    rest = body[position:].decode("utf-8", "replace")[:40] or "(end of string)"
    where = f"/usr/share/perl5/PVE/APIServer/AnyEvent.pm line {release.parser_line}."
    message = f'{what}, at character offset {position} (before "{rest}") at {where}'
    return ProtocolError(500 if release.message_in_body else 501, message, message)
