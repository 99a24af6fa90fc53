"""What is said about one cluster in full: status, cause, what to do, endpoint, login, rights, trust, identity."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.cells import cell_len
from textual.content import Content

from pxm_tui.domain.cluster import NEEDS_A_PERSON, LoginMethod, Reason, Status, trust_words
from pxm_tui.domain.connection_messages import CHECK_AGAIN
from pxm_tui.domain.describe import (
    guests_figure,
    hidden_words,
    labels_words,
    nodes_figure,
    quorum_words,
    seen_words,
)
from pxm_tui.domain.expiry import is_ending
from pxm_tui.domain.login_messages import grant_line
from pxm_tui.domain.rights import may_everything
from pxm_tui.domain.software import ClusterSoftware
from pxm_tui.domain.times import days_left, local_short
from pxm_tui.domain.tokens import expiry_words
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.badges import badge_rows
from pxm_tui.tui.endpoint_lines import endpoint_lines
from pxm_tui.tui.explain import other_nodes
from pxm_tui.tui.glyphs import STATUS_STYLE, Glyphs, tag_spans
from pxm_tui.tui.remedies import on_screen
from pxm_tui.tui.text import content, fit, safe
from pxm_tui.tui.wrapping import fold_command, wrap

ANSWERS = frozenset({Status.HEALTHY, Status.DEGRADED})

LABEL_WIDTH = 11

SPARABLE = 3
"""How many facts may give way below an explanation: labels first, then identity, then rights."""

ENDPOINTS_IN_FULL = 8
ENDPOINTS_IN_SHORT = 3
FEWEST_ENDPOINTS = 1


@dataclass(frozen=True, slots=True)
class Detail:
    """One cluster at one moment.

    Attributes:
        view: the cluster.
        now: UTC.
        timer: the monotonic time now, seconds.
        fresh_for: seconds for which an answer counts as `now`.
        others: how many other clusters answer.
        glyphs: the signs in use.
        secrets: how they are kept, in some words; shown where there is room for everything.
        program: its name, with what is special about this run.
        read_only: nothing may be changed on the cluster.
        software: what its nodes run, where that was read.
    """

    view: ClusterView
    now: datetime
    timer: float
    fresh_for: float
    others: int
    glyphs: Glyphs
    program: str = "pxm"
    read_only: bool = False
    secrets: str = ""
    software: ClusterSoftware | None = None

    @property
    def last_seen(self) -> bool:
        """What is shown is not of now."""
        return self.view.cluster.status not in ANSWERS

    def title(self) -> Content:
        """` pxm  Clusters › NAME`."""
        path = f"  Clusters {self.glyphs.path} "
        return Content.assemble((self.program, "bold $pxm-key"), (path, ""), content(self.view.cluster.name, "bold"))

    def corner(self) -> Content:
        """Environment, how old the figures are, the clock."""
        cluster = self.view.cluster
        seen = seen_words(cluster, self.now, self.fresh_for)
        words = {"now": "now", "never": "never seen"}.get(seen, f"seen {seen} ago")
        tags = tag_spans(cluster.environment, read_only=self.read_only)
        return Content.assemble(*tags, "   " if tags else "", f"{words}   {self.now.astimezone():%H:%M}")

    def lines(self, width: int, room: int | None = None) -> list[Content]:
        """All lines, for a screen of this width.

        Args:
            width: columns.
            room: lines there are; labels, identity, rights and all endpoints but one give way in this order where an
                explanation needs them.
        """
        head = [*self._status(width), Content("")]
        reasons = list(self._reasons(width))
        if not reasons:
            return [*head, *self._fact_lines(width, SPARABLE + (room is None)), Content("")]
        head += [*reasons, Content("")]
        for kept in range(SPARABLE + (room is None), -2, -1):
            found = [*head, *self._fact_lines(width, kept)]
            if room is None or len(found) <= room:
                break
        return found

    def _fact_lines(self, width: int, kept: int) -> list[Content]:
        return [line for label, text in self._facts(kept, width) for line in _fact_rows(label, text, width)]

    def _status(self, width: int) -> list[Content]:
        cluster = self.view.cluster
        word = "not checked yet" if cluster.status is Status.UNKNOWN else str(cluster.status)
        style = STATUS_STYLE[cluster.status]
        sign = Content.assemble(" ", (self.glyphs.of_status(cluster.status), style), f" {word}")
        reason = cluster.error
        if reason is not None:
            since = f" since {local_short(reason.since, self.now)}" if reason.since else ""
            sign = Content.assemble(sign, f"{since}: {safe(reason.short)}")
        if self.last_seen:
            seen = cluster.last_seen_at
            facts = [] if seen is None else [f"(below: as last seen at {local_short(seen, self.now)})"]
        else:
            facts = list(self._figures())
        lines = [sign]
        for fact in facts:
            if lines[-1].cell_length + len(fact) + 3 <= width:
                lines[-1] = Content.assemble(lines[-1], f"   {fact}")
            else:
                lines.append(Content(f"   {fact}"))
        return lines

    def _figures(self) -> Iterator[str]:
        cluster = self.view.cluster
        yield f"Proxmox VE {safe(cluster.proxmox_version or '?', 20)}"
        yield f"{nodes_figure(cluster)} nodes{quorum_words(cluster)}"
        yield f"{guests_figure(cluster)} guests"
        if self.view.snapshot.rtt_ms is not None:
            yield f"RTT {max(1, round(self.view.snapshot.rtt_ms))} ms"

    # What happened, probably, do

    def _reasons(self, width: int) -> Iterator[Content]:
        reason = self.view.cluster.error
        if reason is None:
            return
        happened, probably = self._happened(reason), safe(reason.probably)
        if self.view.cluster.status is Status.UNREACHABLE and self.others:
            answer = "1 other cluster answers" if self.others == 1 else f"{self.others} other clusters answer"
            if probably:
                probably = f"{probably} {answer} from here."
            else:
                happened = f"{happened} {answer} from here."
        yield from _labelled("What happened", happened, 15, width)
        if probably:
            yield from _labelled("Probably", probably, 15, width)
        do = self._do(reason)
        if do:
            yield from _labelled("Do", do, 15, width)

    def _happened(self, reason: Reason) -> str:
        what = safe(reason.message)
        if self.view.cluster.status is not Status.UNREACHABLE:
            return what
        if reason.since is not None and (tries := self._tries(reason.since)) > 1:
            since = local_short(reason.since, self.now)
            return f"{what.removesuffix('.')}; {tries} tries since {since}{self._next()}."
        return f"{what.removesuffix('.')}{self._next(';')}."

    def _tries(self, since: datetime) -> int:
        """How often it was tried since then: a person's check begins the count of the pauses anew, not this one."""
        last = next(iter(self.view.snapshot.errors), None)
        counted = last.count if last is not None and last.first_at >= since else 0
        return max(self.view.tries, counted)

    def _next(self, separator: str = ",") -> str:
        if self.view.next_try is None:
            return ""
        minutes = math.ceil(max(0.0, self.view.next_try - self.timer) / 60)
        return f"{separator} the next try within {f'{minutes} min' if minutes > 1 else 'a minute'}"

    def _do(self, reason: Reason) -> str:
        cluster, do = self.view.cluster, on_screen(reason.do)
        if cluster.status in NEEDS_A_PERSON:
            if "`c`" in do:
                return safe(do)
            action = (
                "compares the certificates" if cluster.status is Status.UNTRUSTED else "checks it and logs in again"
            )
            return safe(f"{do} `c` {action}.".strip())
        if cluster.status is not Status.UNREACHABLE:
            return safe(do)
        own = "" if reason.do == CHECK_AGAIN else f"{do} "
        others = other_nodes(self.view)
        nodes = f" Its other {'nodes' if ';' in others else 'node'} when last seen: {others}." if others else ""
        return safe(f"{own}`c` checks it now, step by step.{nodes}")

    # Facts

    def _facts(self, kept: int, width: int) -> Iterator[tuple[str, str | list[Content]]]:
        cluster = self.view.cluster
        most = ENDPOINTS_IN_FULL if kept >= SPARABLE else ENDPOINTS_IN_SHORT if kept >= 0 else FEWEST_ENDPOINTS
        label = "Endpoint" if len(cluster.endpoints) == 1 else "Endpoints"
        for line in endpoint_lines(self.view, self.now, self.glyphs, most):
            yield label, line
            label = ""
        yield "Login", self._login(width - LABEL_WIDTH - 2)
        if kept >= 1 and self.view.snapshot.rights:
            yield from self._rights(width - LABEL_WIDTH - 2)
        if cluster.limits:
            line = grant_line(cluster.login.user, cluster.login.token_id)
            yield "Not seen", f"{safe(hidden_words(cluster))}. On a node: `{line}`"
        yield "Trust", self._trust()
        if kept >= 2:
            if self.software is not None:
                yield "Software", self._software(self.software)
            own = f"{safe(cluster.own_name)}, " if cluster.own_name else ""
            registered = cluster.created_at.astimezone(UTC)
            yield "Cluster", f"{own}id {cluster.short_id}, registered {registered:%Y-%m-%d %H:%M} UTC"
        if kept >= SPARABLE:
            yield "Labels", safe(labels_words(cluster))
        if kept > SPARABLE and self.secrets:
            yield "Secrets", self.secrets

    def _login(self, room: int) -> str:
        """Who, how, and until when: the days stay beside the name, whose middle goes where it is too long for that."""
        login = self.view.cluster.login
        name, end = safe(login.name), expiry_words(login, self.now)
        words = [name, "API token" if login.method is LoginMethod.TOKEN else "password", *([end] if end else [])]
        if login.refused:
            return f"{', '.join(words)}; the server refused it, it is not used again until `c`"
        if end and cell_len(", ".join(words)) > room:
            words = [fit(name, min(cell_len(name), room - len(end) - 2), middle=True, mark=self.glyphs.cut), end]
        return ", ".join(words)

    def _rights(self, room: int) -> Iterator[tuple[str, str | list[Content]]]:
        """Badges; in words where it may everything, or where it has not been read in full yet."""
        cluster, snapshot = self.view.cluster, self.view.snapshot
        rights = safe(snapshot.rights)
        permissions = snapshot.permissions
        if permissions and not may_everything(permissions):
            yield "Rights (p)", badge_rows(cluster, snapshot, self.glyphs, room)
        else:
            yield "Rights (p)" if cluster.limits else "Rights", rights

    def _software(self, software: ClusterSoftware) -> str:
        """Versions, with a mark where they are mixed; what may not be seen with the commands that grant it."""
        commands = " ".join(f"`{safe(line, 300)}`" for line in software.commands(self.view.cluster))
        grant = f". On a node: {commands}" if commands else ""
        return f"{'! ' if software.mixed else ''}{safe(software.words(), 400)}{grant}"

    def _trust(self) -> str:
        trust = self.view.cluster.trust
        words = [trust_words(trust)]
        fingerprint = trust.fingerprint
        if fingerprint:
            words.append(f"{fingerprint[:11]} {self.glyphs.cut} {fingerprint[-11:]}")
        kept = trust.certificate.not_after if trust.certificate else None
        end = self.view.snapshot.certificate_not_after or kept
        if end is not None:
            left = days_left(end, self.now)
            mark = "! " if is_ending(end, self.now) else ""
            words.append(f"{mark}to {end:%Y-%m-%d} ({left} d)" if left >= 0 else f"! expired {end:%Y-%m-%d}")
        authority = trust.authority
        if authority is not None:
            until = f"{authority.not_after:%Y-%m-%d} ({days_left(authority.not_after, self.now)} d)"
            words.append(f"{'! ' if is_ending(authority.not_after, self.now) else ''}authority to {until}")
        return ", ".join(words)


def _fact_rows(label: str, text: str | list[Content], width: int) -> list[Content]:
    if isinstance(text, str):
        return _labelled(label, text, LABEL_WIDTH, width)
    leads = [label, *[""] * (len(text) - 1)]
    return [
        Content.assemble(" ", (f"{lead:<{LABEL_WIDTH}}", "$pxm-faint"), row)
        for lead, row in zip(leads, text, strict=True)
    ]


def _labelled(label: str, text: str, indent: int, width: int) -> list[Content]:
    """A label, and the text beside it in as many lines as it takes; long commands in lines of their own."""
    rows: list[Content] = []
    for line in wrap(text, max(10, width - indent - 2)):
        lead = label if not rows else ""
        if line.alone:
            if not rows:
                rows.append(Content.assemble(" ", (label, "$pxm-faint")))
            rows += [Content(f"   {piece}") for piece in fold_command(line.plain, max(10, width - 4))]
        else:
            rows.append(Content.assemble(" ", (f"{lead:<{indent}}", "$pxm-faint"), line.plain))
    return rows
