"""Logging in with a password: the ticket, and the second factor in its two ways.

Since 7.1 both steps are `POST /access/ticket` with `new-format`; 6.x and 7.0 refuse that parameter and take the code
at `POST /access/tfa` (pve-access-control, PVE/API2/AccessControl.pm).
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from pxm_tui.domain import login_messages
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import PxmError, UnreachableError
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.answers import TicketData, TicketEntry, complaint, read, said
from pxm_tui.proxmox.api import Answer, Api, Fields, csrf_header, ticket_header
from pxm_tui.proxmox.complaints import BAD_REQUEST, OK, UNAUTHORIZED, change_failed
from pxm_tui.services.ports import Clock, CodeSource, Ticket, Timer

RENEW_AFTER = 5400.0
LIFETIME = 7200.0
"""Seconds that a ticket is good for; it is renewed after three quarters of them."""

_NEW = {"new-format": "1"}
_HALF_TICKET = re.compile(r"PVE:!tfa!(?P<challenge>[^:]*):")
_RECOVERY = re.compile(r"[0-9A-Fa-f]{4}(-?[0-9A-Fa-f]{4}){3}")
_TOTP = re.compile(r"[0-9]{6,8}")
_TYPEABLE = ("totp", "recovery", "yubico")
"""Second factors that can be typed; the others need a browser and a key."""


class PasswordLogin:
    """One login with a password.

    Args:
        api: to send with.
        endpoint: for the words.
        timer: monotonic seconds.
        clock: UTC now, to compare with the server's.
    """

    def __init__(self, api: Api, endpoint: Endpoint, timer: Timer, clock: Clock) -> None:
        self._api = api
        self._endpoint = endpoint
        self._timer = timer
        self._clock = clock

    async def log_in(self, user: str, password: Secret, code: CodeSource | None) -> Ticket:
        """The ticket for `user`, asking `code` for a second factor where one is needed.

        Raises:
            LoginError: `credentials`, `second_factor_needed`, `second_factor_wrong`, `locked`.
        """
        form: Fields = {"username": user, "password": password}
        answer = await self._ask({**form, **_NEW})
        if answer.status == BAD_REQUEST and "new-format" in (complaint(answer).errors or {}):
            answer = await self._ask(form)
        entry = self._granted(answer, user)
        if entry.need_tfa:
            return await self._second_step(user, entry, code)
        return self._ticket(entry, user)

    async def renew(self, ticket: Ticket) -> Ticket:
        """A new ticket for one that is still good. Raises `LoginError(credentials)` where it is not."""
        answer = await self._ask({"username": ticket.user, "password": ticket.ticket})
        return self._ticket(self._granted(answer, ticket.user), ticket.user)

    async def _ask(self, form: Fields) -> Answer:
        return await self._api.post("access/ticket", form, {})

    def _granted(self, answer: Answer, user: str) -> TicketEntry:
        if answer.status == UNAUTHORIZED:
            raise login_messages.credentials(self._endpoint, user, said(answer))
        if answer.status != OK:
            raise change_failed(self._endpoint, answer, _with_errors(answer))
        return self._entry(answer)

    def _entry(self, answer: Answer) -> TicketEntry:
        try:
            return read(self._endpoint, TicketData, answer)
        except UnreachableError as error:
            error.may_have_arrived = True
            raise

    def _ticket(self, entry: TicketEntry, user: str) -> Ticket:
        return Ticket(entry.username or user, Secret(entry.ticket), Secret(entry.csrf), self._timer())

    async def _second_step(self, user: str, half: TicketEntry, code: CodeSource | None) -> Ticket:
        challenge = _HALF_TICKET.match(half.ticket)
        kinds = _kinds(challenge["challenge"]) if challenge else _old_kinds(half.ticket)
        typed = await code(kinds) if code is not None and set(kinds) & set(_TYPEABLE) else None
        if not typed:
            raise login_messages.second_factor_needed(user, kinds)
        if challenge:
            if not _fits(typed, kinds):
                raise login_messages.second_factor_unfit(user, kinds)
            form: Fields = {"username": half.username or user, "tfa-challenge": Secret(half.ticket), **_NEW}
            answer = await self._ask({**form, "password": _response(typed, kinds)})
        else:
            headers: Fields = {**ticket_header(Secret(half.ticket)), **csrf_header(Secret(half.csrf))}
            answer = await self._api.post("access/tfa", {"response": Secret(_squeezed(typed))}, headers)
        if answer.status != OK:
            raise self._second_factor_error(answer, user)
        entry = self._entry(answer)
        csrf = entry.csrf or half.csrf  # the old way gives it in its first step only
        return Ticket(entry.username or half.username or user, Secret(entry.ticket), Secret(csrf), self._timer())

    def _second_factor_error(self, answer: Answer, user: str) -> PxmError:
        words = said(answer)
        if re.search(r"\b(locked|blocked)\b", words, re.IGNORECASE):
            return login_messages.locked(user)
        if answer.status == UNAUTHORIZED:
            return login_messages.second_factor_wrong(self._endpoint, user, self._clock_skew(answer))
        return change_failed(self._endpoint, answer, _with_errors(answer))

    def _clock_skew(self, answer: Answer) -> int:
        """Seconds between the server's clock and ours, without a sign; 0 where it does not tell its own."""
        with suppress(ValueError, TypeError):
            theirs = parsedate_to_datetime(answer.headers["date"]) if "date" in answer.headers else None
            if theirs is not None:
                theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
                return abs(round((theirs - self._clock()).total_seconds()))
        return 0


def _with_errors(answer: Answer) -> str:
    """The message, and what is wrong with which parameter."""
    errors = complaint(answer).errors or {}
    return "; ".join([said(answer).strip(), *(f"{name}: {str(text).strip()}" for name, text in errors.items())])


def _kinds(challenge: str) -> tuple[str, ...]:
    """The second factors that a half ticket of the new way offers; used-up recovery keys are none."""
    try:
        offered = json.loads(unquote(challenge))
    except (ValueError, RecursionError):
        return ("totp",)
    if not isinstance(offered, dict):
        return ("totp",)
    return tuple(str(kind)[:20] for kind, detail in offered.items() if detail)[:10]


def _old_kinds(half_ticket: str) -> tuple[str, ...]:
    return ("u2f",) if half_ticket.startswith("PVE:u2f!") else ("totp",)


def _squeezed(typed: Secret) -> str:
    return "".join(typed.reveal().split())


def _fits(typed: Secret, kinds: tuple[str, ...]) -> bool:
    """Whether it can be a code of one of these kinds: each wrong one is a step to a lock."""
    code = _squeezed(typed)
    if _TOTP.fullmatch(code):
        return True
    return "yubico" in kinds or ("recovery" in kinds and _RECOVERY.fullmatch(code) is not None)


def _response(typed: Secret, kinds: tuple[str, ...]) -> Secret:
    """The code with its kind before it, told by its shape: four groups of four, digits, or what a YubiKey types."""
    if "recovery" in kinds and _RECOVERY.fullmatch(_squeezed(typed)):
        return Secret(f"recovery:{'-'.join(re.findall('[0-9a-f]{4}', _squeezed(typed).lower()))}")
    kind = "yubico" if "yubico" in kinds and not _squeezed(typed).isdigit() else "totp"
    return Secret(f"{kind}:{_squeezed(typed)}")


def is_over(ticket: Ticket, now: float) -> bool:
    """Whether the ticket has run out."""
    return now - ticket.issued >= LIFETIME


def is_due(ticket: Ticket, now: float) -> bool:
    """Whether it is time to renew the ticket."""
    return now - ticket.issued >= RENEW_AFTER


def sendable(text: str) -> bool:
    """Whether a text can stand in a header as it is."""
    return bool(text) and text.isascii() and text.isprintable() and " " not in text
