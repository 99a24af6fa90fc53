"""The words of a row."""

from datetime import timedelta

import pytest

from pxm_tui.domain import connection_messages
from pxm_tui.domain.cluster import Endpoint, Limit, Status
from pxm_tui.domain.describe import guests_figure, nodes_figure, seen_words, status_words
from tests.fakes import NOW, cluster, reason

DEAD = cluster(
    "dr",
    status=Status.UNREACHABLE,
    error=reason(connection_messages.timeout(Endpoint("x"), 5), "timed out"),
    seen_seconds_ago=240,
)
LIMITED = cluster("st", guests=None, limits=(Limit("VM.Audit", "/vms"),))


@pytest.mark.parametrize(
    ("width", "words"), [(21, "timed out"), (27, "unreachable: timed out"), (44, "unreachable: timed out")]
)
def test_the_reason_is_in_the_cell(width: int, words: str) -> None:
    assert status_words(DEAD, width) == words


def test_limited_rights() -> None:
    assert status_words(LIMITED, 27) == "healthy, limited rights"
    assert status_words(LIMITED, 44) == "healthy, limited rights: no VM.Audit"
    assert guests_figure(LIMITED) == "?"
    partly = cluster("p", guests=(9, 12), limits=(Limit("VM.Audit", "/vms"),))
    assert guests_figure(partly) == "9/12+"


def test_figures() -> None:
    assert nodes_figure(cluster("a", nodes=(2, 3))) == "2/3"
    assert guests_figure(cluster("a")) == "41/41"


@pytest.mark.parametrize(
    ("seconds", "words"), [(5, "now"), (45, "now"), (61, "1 m"), (3700, "1 h"), (86400 * 3, "3 d")]
)
def test_ages_never_tick(seconds: int, words: str) -> None:
    found = cluster("a", seen_seconds_ago=0)
    assert seen_words(found, NOW + timedelta(seconds=seconds)) == words
