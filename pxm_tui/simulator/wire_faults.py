"""Answers that no client should get: slow, cut, or something else than the API's.

What is in force is written down in `Cluster.spoiled`: by node the names below, each with its value.
"""

from collections.abc import Iterator, Mapping

from aiohttp import web

from pxm_tui.simulator.answers import JSON, Answer, WireResponse

SLOW, CUT, GARBAGE, HTML, HUGE, STATUS = "slow", "cut-body", "garbage", "html", "huge-body", "status"

REASONS = {
    500: "Internal Server Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    595: "Connection timed out",
    596: "Broken pipe",
}
NOISE = bytes((index * 73 + 41) % 256 for index in range(512)) + b"\r\n\r\n"
PAGE = b"""<!DOCTYPE html>
<html><head><title>Maintenance</title></head><body><h1>We will be back soon</h1></body></html>
"""
PATIENCE_WITH_PEERS = 30.0
"""Seconds that a node waits for another one: to connect, and between two pieces of its answer."""
CHUNK = 65536
MEBIBYTE = 2**20


def instead_of_answer(spoiled: Mapping[str, float]) -> Answer | None:
    """Give what is answered without looking at the request; None where the request is to be answered."""
    if HTML in spoiled:
        return Answer(200, "OK", PAGE, "text/html; charset=UTF-8")
    if STATUS in spoiled:
        status = int(spoiled[STATUS])
        return Answer(status, REASONS.get(status, "Internal Server Error"))
    if GARBAGE in spoiled or HUGE in spoiled:
        return Answer(200, "OK")
    return None


def handed_on_instead(spoiled: Mapping[str, float]) -> Answer | None:
    """Give what another node makes of what `instead_of_answer` and `break_off` send of one; None where they do not.

    Pages and statuses go through it as they are; for what is no HTTP its own client has a status.
    """
    if GARBAGE in spoiled:
        return Answer(599, "Invalid server response")
    if HUGE in spoiled:
        return Answer(200, "OK", b"".join(_document(int(spoiled[HUGE] * MEBIBYTE))), JSON)
    return instead_of_answer(spoiled)


def handed_on(answer: Answer, spoiled: Mapping[str, float]) -> Answer:
    """Give what another node makes of an answer: late, where it comes late; none, where it is cut or takes too long."""
    answer.wait += spoiled.get(SLOW, 0) / 1000
    if answer.wait >= PATIENCE_WITH_PEERS:
        return Answer(596, "Connection timed out", wait=PATIENCE_WITH_PEERS)
    return Answer(597, "Broken pipe", wait=answer.wait) if CUT in spoiled else answer


async def break_off(spoiled: Mapping[str, float], request: web.BaseRequest, response: WireResponse) -> bool:
    """Send what is no proper response, if that is in force; tells whether, and the connection is over then."""
    if GARBAGE in spoiled:
        if request.transport is not None:
            request.transport.write(NOISE)
    elif CUT in spoiled:
        await _cut(request, response)
    elif HUGE in spoiled:
        await _send_huge(request, response, int(spoiled[HUGE] * MEBIBYTE))
    else:
        return False
    if request.transport is not None:
        request.transport.close()
    return True


async def _cut(request: web.BaseRequest, response: WireResponse) -> None:
    """Announce the whole body and send half of it."""
    body = response.whole_body
    if not body:
        response.headers["Content-Length"] = str(CHUNK)
    await response.prepare(request)
    await response.write(body[: max(1, len(body) // 2)] or b"{")


async def _send_huge(request: web.BaseRequest, response: WireResponse, size: int) -> None:
    """Send a document of so many bytes that says nothing."""
    response.headers["Content-Type"] = JSON
    response.headers["Content-Length"] = str(size)
    await response.prepare(request)
    for chunk in _document(size):
        await response.write(chunk)


def _document(size: int) -> Iterator[bytes]:
    head, tail = b'{"data":[', b"]}"
    yield head
    left = size - len(head) - len(tail)
    while left > 0:
        yield b" " * min(CHUNK, left)
        left -= CHUNK
    yield tail
