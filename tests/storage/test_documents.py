"""Clusters and their stored documents: nothing is lost, nothing wrong is taken."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Cluster, Endpoint
from pxm_tui.storage.documents import cluster_of, identity_document, state_document
from pxm_tui.storage.problems import DamagedError
from pxm_tui.storage.records import IDENTITIES, STATES, records_of
from tests.storage.samples import CERTIFICATE, PEM, make_cluster, make_full_cluster

CLUSTERS = [
    make_cluster(),
    make_full_cluster(),
    make_cluster(trust=Trust(TrustMode.SYSTEM)),
    make_cluster(endpoints=(Endpoint("pve1"), Endpoint("::1", 1), Endpoint("10.0.0.1", 65535))),
    make_cluster(labels=()),
]


def documents(cluster: Cluster) -> tuple[dict[str, Any], dict[str, Any]]:
    found = json.loads(json.dumps([identity_document(cluster), state_document(cluster)]))
    return found[0], found[1]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_a_cluster_comes_back_as_it_was(cluster: Cluster) -> None:
    assert cluster_of(*documents(cluster)) == cluster


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_the_record_needs_no_domain_objects(cluster: Cluster) -> None:
    identity, state = documents(cluster)
    (record,) = records_of({IDENTITIES: {cluster.id: identity}, STATES: {cluster.id: state}})
    assert json.dumps(record) == json.dumps(cluster.to_json())


def test_a_pinned_leaf_is_stored_once() -> None:
    identity, _ = documents(make_cluster())
    assert json.dumps(identity).count(json.dumps(PEM)) == 1
    assert make_cluster().trust.certificate == CERTIFICATE


def paths(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a document that holds a value."""
    entries: list[tuple[Any, Any]] = []
    if isinstance(document, dict):
        entries = list(document.items())
    elif isinstance(document, list):
        entries = list(enumerate(document))
    for key, value in entries:
        yield (*path, key)
        yield from paths(value, (*path, key))


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    found = copy.deepcopy(document)
    place = found
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return found


BOTH = list(documents(make_full_cluster()))
PLACES = [place for place in paths(BOTH) if place != (1, "error", "hint")]  # the hint is made of parts kept elsewhere
NEEDED = [place for place in PLACES if isinstance(place[-1], str) and place[1:-1] != ("labels",)]


@pytest.mark.parametrize("wrong", [object(), 1.5, {"x": 1}, [{}], b"bytes"], ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("path", PLACES, ids=lambda path: ".".join(map(str, path)))
def test_a_wrong_value_anywhere_is_damage(path: tuple[Any, ...], wrong: Any) -> None:
    with pytest.raises(DamagedError):
        cluster_of(*changed(BOTH, path, wrong))


@pytest.mark.parametrize("path", NEEDED, ids=lambda path: ".".join(map(str, path)))
def test_a_missing_value_is_damage(path: tuple[Any, ...]) -> None:
    found = copy.deepcopy(BOTH)
    place: Any = found
    for key in path[:-1]:
        place = place[key]
    del place[path[-1]]
    with pytest.raises(DamagedError):
        cluster_of(*found)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((0, "api_endpoint"), "https://elsewhere:8006"),
        ((0, "endpoints"), []),
        ((0, "endpoints", 0, "url"), "http://pve1:8006"),
        ((0, "created_at"), "yesterday"),
        ((0, "created_at"), "2026-11-22T10:30:00"),
        ((0, "login", "method"), "magic"),
        ((0, "trust", "mode"), "blind"),
        ((1, "status"), "splendid"),
        ((1, "id"), "another"),
        ((1, "node_count"), True),
        ((1, "error"), None),
        ((0, "more"), 1),
    ],
)
def test_values_of_the_right_type_are_looked_at(path: tuple[Any, ...], value: Any) -> None:
    with pytest.raises(DamagedError):
        cluster_of(*changed(BOTH, path, value))
