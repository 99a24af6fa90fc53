"""The selected cluster explained in two lines: what is wrong, since when, and which key helps."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from rich.cells import cell_len

from pxm_tui.domain.cluster import Cluster, Status
from pxm_tui.domain.describe import HIDES, hidden_words
from pxm_tui.domain.expiry import warnings
from pxm_tui.domain.observation import Node
from pxm_tui.domain.times import local_short
from pxm_tui.domain.token_messages import expiring
from pxm_tui.domain.tokens import ends_in_days
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.tui.remedies import on_screen
from pxm_tui.tui.text import safe, wrap

MOST_LIMITS_IN_A_SENTENCE = 2

_SENTENCE_END = re.compile(r"(?<=[.!?]) (?=[A-Z])")
_LOWERED = ("No ", "The ", "This ", "Node ", "Nodes ")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Sentences about one cluster.

    Attributes:
        head: what is the matter; always shown.
        more: what else is worth saying, most important first; left out from its end where there is no room.
        tail: the key that helps; the last sentences of the head make room for it.
    """

    head: str
    more: tuple[str, ...] = ()
    tail: str = ""

    def lines(self, width: int, count: int = 2) -> list[str]:
        """In at most `count` lines of `width` columns; a sentence that does not fit is left out, the first is cut."""
        for kept in range(len(self.more), -1, -1):
            rest = " ".join(part for part in (*self.more[:kept], self.tail) if part)
            rows = _flow(self.head, rest, width)
            if len(rows) <= count:
                return rows
        if self.tail:
            sentences = _SENTENCE_END.split(self.head)
            for kept in range(len(sentences) - 1, 0, -1):
                rows = _flow(" ".join(sentences[:kept]), self.tail, width)
                if len(rows) <= count:
                    return rows
        return wrap(self.head, width, count)


def _flow(head: str, rest: str, width: int) -> list[str]:
    """On one line if it fits; each part on its own if both fit; else run on."""
    whole = f"{head} {rest}" if rest else head
    if cell_len(whole) > width and rest and cell_len(head) <= width and cell_len(rest) <= width:
        return [head, rest]
    return wrap(whole, width, 1000)


READ_ONLY = "Read-only: pxm changes nothing on it."


def explain(view: ClusterView, now: datetime, *, checking: bool = False) -> Explanation:
    """What is to be said about a cluster."""
    found = _explain(view, now, checking=checking)
    ending = _ending(view, now)
    guarded = (READ_ONLY,) if view.cluster.read_only else ()
    more = (*ending, *found.more) if view.cluster.status is Status.HEALTHY else (*found.more, *ending)
    return replace(found, more=(*more, *guarded))


def _explain(view: ClusterView, now: datetime, *, checking: bool) -> Explanation:
    cluster = view.cluster
    name = safe(cluster.name)
    if checking and view.waiting:
        return _waiting(name, view, now)
    match cluster.status:
        case Status.HEALTHY:
            return _healthy(name, view)
        case Status.DEGRADED:
            return _degraded(name, view, now)
        case Status.UNREACHABLE:
            return _unreachable(name, view, now)
        case Status.UNTRUSTED | Status.UNAUTHORIZED:
            return _stopped(name, cluster)
        case _:
            return Explanation(f"{name}: not checked yet.", (cluster.endpoint.url,), "r asks it now.")


def _waiting(name: str, view: ClusterView, now: datetime) -> Explanation:
    cluster = view.cluster
    if cluster.last_seen_at is None:
        return Explanation(f"{name}: {view.endpoint.url} is being asked.")
    seen = local_short(cluster.last_seen_at, now)
    return Explanation(f"{name}: the row shows what was seen at {seen}; {view.endpoint.authority} is being asked.")


def _healthy(name: str, view: ClusterView) -> Explanation:
    cluster = view.cluster
    if cluster.limits:
        return Explanation(limits_words(cluster), (), "Enter shows its rights.")
    facts = [f"Proxmox VE {cluster.proxmox_version}"]
    if cluster.node_count is not None:
        facts.append(f"{cluster.nodes_online} of {cluster.node_count} nodes online")
    if cluster.quorate:
        facts.append("quorate")
    if cluster.guests_total is not None:
        facts.append(f"{cluster.guests_running} of {cluster.guests_total} guests running")
    failing = [state for state in view.snapshot.endpoints if state.error]
    beside = "".join(f" Not used: {state.endpoint.authority}, {safe(state.error)}." for state in failing[:2])
    return Explanation(f"{name}: healthy. {', '.join(facts)}.", (f"{view.endpoint.url}.{beside}",))


def _ending(view: ClusterView, now: datetime) -> tuple[str, ...]:
    """That certificate, authority or token ends soon, and what to do; none where there is time.

    Of a certificate that is not the trusted one nothing is said: which ends when is not the question then.
    """
    cluster, said = view.cluster, list[str]()
    found = warnings(cluster.trust.certificate, cluster.trust, now) if cluster.status is not Status.UNTRUSTED else None
    if found is not None:
        said += [f"! {found[0][0].upper()}{found[0][1:]}.", on_screen(found[1])]
    token = expiring(cluster, now)
    if token is not None and (ends_in_days(cluster.login, now) or 0) >= 0:
        said += [f"! Its token {token.words}", on_screen(token.do).replace("`", "")]
    return tuple(said)


def limits_words(cluster: Cluster) -> str:
    """What the login may not see: `fra-stage: healthy, but its login may not see guests (VM.Audit on /vms).`."""
    privileges = [f"{limit.privilege} on {limit.path}" for limit in cluster.limits]
    hidden = [HIDES.get(limit.path, limit.path) for limit in cluster.limits]
    start = f"{safe(cluster.name)}: healthy, but its login may not see"
    if len(hidden) > MOST_LIMITS_IN_A_SENTENCE:
        return f"{start} {', '.join(hidden)}. Missing: {', '.join(privileges)}."
    return f"{start} {', '.join(f'{what} ({which})' for what, which in zip(hidden, privileges, strict=True))}."


def _degraded(name: str, view: ClusterView, now: datetime) -> Explanation:
    reason = view.cluster.error
    if reason is None:
        return Explanation(f"{name}: degraded.")
    what = _lowered(safe(reason.message))
    if reason.since is not None:
        since = f" since {local_short(reason.since, now)}"
        for verb in (" is offline", " are offline"):
            what = what.replace(f"{verb};", f"{verb}{since};", 1)
    more = [sentence for node in view.snapshot.nodes for sentence in _left_on(node)]
    if view.cluster.limits:
        more.append(f"Its login may not see {safe(hidden_words(view.cluster))}.")
    if reason.do:
        more.insert(0, safe(on_screen(reason.do)))
    return Explanation(f"{name}: {what}", tuple(more), "Enter shows nodes and errors, y copies.")


def _left_on(node: Node) -> list[str]:
    if node.state != "offline" or not node.guests:
        return []
    guests = "1 guest was" if node.guests == 1 else f"{node.guests} guests were"
    return [f"{guests} last seen on {safe(node.name)}."]


def _unreachable(name: str, view: ClusterView, now: datetime) -> Explanation:
    reason = view.cluster.error
    if reason is None:
        return Explanation(f"{name}: unreachable.", (), "c checks again.")
    what = _lowered(safe(reason.message)).removesuffix(".")
    since = f", since {local_short(reason.since, now)}" if reason.since else ""
    return Explanation(f"{name}: {what}{since}.", (silent_endpoints(view),), "c checks again.")


def silent_endpoints(view: ClusterView) -> str:
    """That none of several endpoints answers, or that there is one only; and which other nodes there were last."""
    count = len(view.cluster.endpoints)
    others = other_nodes(view)
    usable = "can be used" if _answers_uselessly(view) else "answers"
    known = "It is the only endpoint" if count == 1 else f"None of its {count} endpoints {usable}"
    if not others:
        return f"{known}."
    which = "nodes" if "; " in others else "node"
    return f"{known}; its other {which}, when last seen: {others}."


def _answers_uselessly(view: ClusterView) -> bool:
    """Something answers, but nothing that can be used."""
    reason = view.cluster.error
    return reason is not None and reason.cause in {"bad_answer", "not_proxmox", "not_tls", "too_old"}


def other_nodes(view: ClusterView) -> str:
    """The nodes at no endpoint, as last seen: `dr-ams-2, 10.40.0.12; …`; empty if unknown."""
    asked = {endpoint.host for endpoint in view.cluster.endpoints}
    nodes = [node for node in view.snapshot.nodes if not node.local and node.address not in asked]
    return "; ".join(f"{safe(node.name)}, {node.address}" if node.address else safe(node.name) for node in nodes[:3])


def _stopped(name: str, cluster: Cluster) -> Explanation:
    reason = cluster.error
    tail = "c compares the certificates." if cluster.status is Status.UNTRUSTED else "c logs in again."
    if reason is None:
        return Explanation(f"{name}: {cluster.status}.", (), tail)
    more = (safe(reason.probably),) if reason.probably else ()
    return Explanation(f"{name}: {_lowered(safe(reason.message))}", more, tail)


def _lowered(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:] if sentence.startswith(_LOWERED) else sentence
