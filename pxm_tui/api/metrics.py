"""Figures in Prometheus' text format. What is not known is left out: it is never 0."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from pxm_tui import __version__
from pxm_tui.domain.cluster import Status
from pxm_tui.services.fleet_view import ClusterView, FleetView

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
UP = frozenset({Status.HEALTHY, Status.DEGRADED})
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of the histogram, seconds."""

Sample = tuple[dict[str, str], float]


class RequestCounter:
    """Counts the API's own requests."""

    def __init__(self) -> None:
        self.in_flight = 0
        self._counts: Counter[tuple[str, str, int]] = Counter()
        self._buckets: dict[tuple[str, str], list[int]] = {}
        self._seconds: Counter[tuple[str, str]] = Counter()

    def count(self, method: str, path: str, status: int, seconds: float) -> None:
        """A request has been answered; `path` is a template, so that there are few."""
        self._counts[method, path, status] += 1
        buckets = self._buckets.setdefault((method, path), [0] * (len(BOUNDS) + 1))
        buckets[bisect_left(BOUNDS, seconds)] += 1
        self._seconds[method, path] += seconds  # type: ignore[assignment]  # a Counter of floats

    def lines(self) -> Iterator[str]:
        """The requests' part of the text."""
        requests = [
            ({"method": method, "path": path, "status": str(status)}, float(count))
            for (method, path, status), count in sorted(self._counts.items())
        ]
        yield from _family("pxm_http_requests_total", "counter", "Requests answered.", requests)
        failed = [sample for sample in requests if sample[0]["status"] >= "500"]
        yield from _family("pxm_http_errors_total", "counter", "Requests answered with a 5xx status.", failed)
        yield from _family("pxm_http_requests_in_flight", "gauge", "Requests going on.", [({}, self.in_flight)])
        name = "pxm_http_request_duration_seconds"
        yield from _heading(name, "histogram", "Time from a request to its answer.")
        for (method, path), buckets in sorted(self._buckets.items()):
            labels, passed = {"method": method, "path": path}, 0
            for bound, count in zip((*map(repr, BOUNDS), "+Inf"), buckets, strict=True):
                passed += count
                yield _line(f"{name}_bucket", {**labels, "le": bound}, passed)
            yield _line(f"{name}_sum", labels, self._seconds[method, path])
            yield _line(f"{name}_count", labels, passed)


def metrics_text(view: FleetView, requests: RequestCounter, now: datetime) -> str:
    """All figures."""
    lines = [
        *_family("pxm_build_info", "gauge", "The program's version.", [({"version": __version__}, 1)]),
        *_totals(view),
        *_clusters(view.clusters, now),
        *requests.lines(),
    ]
    return "\n".join(lines) + "\n"


def _totals(view: FleetView) -> Iterator[str]:
    counts = Counter(shown.cluster.status for shown in view.clusters)
    samples: list[Sample] = [({"status": str(status)}, counts[status]) for status in Status]
    yield from _family("pxm_clusters", "gauge", "Registered clusters by status.", samples)
    locked = "1 while the secret store is closed, so that no cluster is asked."
    yield from _family("pxm_secret_store_locked", "gauge", locked, [({}, int(view.locked))])


def _clusters(views: Iterable[ClusterView], now: datetime) -> Iterator[str]:
    shown = list(views)
    for name, kind, what, value in _FIGURES:
        samples = [
            ({"cluster": view.cluster.name, "id": view.cluster.id}, float(found))
            for view in shown
            if (found := value(view)) is not None
        ]
        yield from _family(name, kind, what, samples)
    ages = [
        ({"cluster": view.cluster.name, "id": view.cluster.id}, max(0.0, (now - seen).total_seconds()))
        for view in shown
        if (seen := _seen(view)) is not None
    ]
    yield from _family("pxm_cluster_data_age_seconds", "gauge", "Time since the cluster last answered.", ages)


def _seen(view: ClusterView) -> datetime | None:
    moments = [moment for moment in (view.cluster.last_seen_at, view.snapshot.taken_at) if moment]
    return max(moments, default=None)


def _timestamp(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _latency(view: ClusterView) -> float | None:
    return view.snapshot.rtts_ms[-1] / 1000 if view.snapshot.rtts_ms else None


_FIGURES = (
    (
        "pxm_cluster_up",
        "gauge",
        "1 when it answers as it should (healthy or degraded), 0 when not; none before it was ever checked.",
        lambda view: None if view.cluster.status is Status.UNKNOWN else int(view.cluster.status in UP),
    ),
    ("pxm_cluster_nodes", "gauge", "Nodes.", lambda view: view.cluster.node_count),
    ("pxm_cluster_nodes_online", "gauge", "Nodes online.", lambda view: view.cluster.nodes_online),
    ("pxm_cluster_quorate", "gauge", "1 with quorum, 0 without.", lambda view: view.cluster.quorate),
    ("pxm_cluster_guests", "gauge", "Guests that the login may see.", lambda view: view.cluster.guests_total),
    ("pxm_cluster_guests_running", "gauge", "Those that run.", lambda view: view.cluster.guests_running),
    (
        "pxm_cluster_certificate_expiry_timestamp_seconds",
        "gauge",
        "When the served certificate ends, seconds since 1970.",
        lambda view: _timestamp(view.snapshot.certificate_not_after),
    ),
    (
        "pxm_cluster_token_expiry_timestamp_seconds",
        "gauge",
        "When the API token that pxm made ends, seconds since 1970.",
        lambda view: _timestamp(view.cluster.login.expires_at),
    ),
    ("pxm_cluster_latency_seconds", "gauge", "Round-trip time of the last answer.", _latency),
    ("pxm_cluster_checks_total", "counter", "Checks since the server started.", lambda view: view.checks),
    ("pxm_cluster_check_errors_total", "counter", "Checks of these that failed.", lambda view: view.failures),
)


def _family(name: str, kind: str, what: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield from _heading(name, kind, what)
    for labels, value in samples:
        yield _line(name, labels, value)


def _heading(name: str, kind: str, what: str) -> Iterator[str]:
    yield f"# HELP {name} {what}"
    yield f"# TYPE {name} {kind}"


def _line(name: str, labels: dict[str, str], value: float) -> str:
    text = ",".join(f'{key}="{_escaped(label)}"' for key, label in labels.items())
    return f"{name}{{{text}}} {_number(value)}" if text else f"{name} {_number(value)}"


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def _escaped(text: str) -> str:
    """A label's value; UTF-8 must be able to hold it."""
    harmless = text.encode("utf-8", "replace").decode()
    return harmless.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
