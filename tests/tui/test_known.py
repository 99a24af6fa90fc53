"""A cluster that is known already: one more endpoint, a cluster of its own, or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widgets import Input

from pxm_tui.domain import connection_messages
from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.services.dialog import Kinship, KnownAnswer, KnownQuestion
from pxm_tui.tui.screens.known import KnownDialog
from pxm_tui.tui.screens.register import RegisterScreen
from tests.fakes import HOSTILE_NAME, NOW, Bench, FakeServer, certificate, cluster, make_bench, observation
from tests.tui.staging import Stage, until

NEW = Endpoint("10.20.0.12")
CA = certificate(seed=50)
TRUST = Trust(TrustMode.PINNED_CA, certificate().sha256, CA.pem, CA, certificate(), NOW)
KNOWN = replace(cluster("fra-prod-1"), trust=TRUST)


def stage(bench: Bench, question: KnownQuestion) -> Stage:
    return Stage(bench, lambda: KnownDialog(question, bench.services))


@pytest.mark.parametrize(
    ("keys", "answer"),
    [
        (["enter"], None),
        (["escape"], None),
        (["tab", "enter"], KnownAnswer.ENDPOINT),
        (["tab", "tab", "enter"], KnownAnswer.SEPARATE),
    ],
)
@pytest.mark.parametrize("size", [(80, 24), (44, 20)])
async def test_the_three_ways(keys: list[str], answer: KnownAnswer | None, size: tuple[int, int]) -> None:
    bench = make_bench()
    app = stage(bench, KnownQuestion(KNOWN, NEW, Kinship.AUTHORITY))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        assert all(len(row) <= size[0] for row in app.shown.splitlines())
        await pilot.press(*keys)
        assert app.results == [answer]


async def test_what_is_known_is_said_and_a_burst_decides_nothing() -> None:
    bench = make_bench()
    app = stage(bench, KnownQuestion(replace(KNOWN, name=HOSTILE_NAME), NEW, Kinship.AUTHORITY))
    async with app.run_test() as pilot:
        app.burst("\t\r")
        await pilot.pause()
        assert app.results == []
        words = " ".join(app.shown.replace("│", " ").split())
        assert HOSTILE_NAME in words
        assert "https://10.20.0.12:8006 belongs to" in words
        assert "has the same authority" in words
        assert "[ Add as endpoint ]" in words


async def test_an_endpoint_that_it_has_can_only_be_registered_separately() -> None:
    bench = make_bench()
    app = stage(bench, KnownQuestion(KNOWN, KNOWN.endpoint, Kinship.AUTHORITY))
    async with app.run_test() as pilot:
        await pilot.pause()
        bench.clock.advance(0.6)
        assert "is an endpoint of fra-prod-1 already" in app.shown
        assert "Add as endpoint" not in app.shown
        await pilot.press("tab", "enter")
        assert app.results == [KnownAnswer.SEPARATE]


async def test_a_second_node_is_added_from_the_form() -> None:
    shown = FakeServer(certificate=certificate(seed=2), authority=CA, trusted_by_system=True)
    bench = make_bench([KNOWN], servers={KNOWN.endpoint.host: FakeServer(authority=CA), NEW.host: shown})
    bench.services.fleet.load()
    app = Stage(bench, lambda: RegisterScreen(bench.services))
    async with app.run_test() as pilot:
        await pilot.pause()
        for name, value in {"endpoint": NEW.host, "user": "root@pam", "password": "right-password"}.items():
            app.screen.query_one(f"#{name}", Input).value = value
        app.screen.query_one("#password").focus()
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, KnownDialog))
        bench.clock.advance(0.6)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "fra-prod-1 has one more endpoint" in app.shown)
        assert "what you typed to log in is forgotten" in " ".join(app.shown.split())
    (stored,) = await bench.repository.list()
    assert stored.endpoints == (KNOWN.endpoint, NEW)
    assert stored.login == KNOWN.login


@pytest.mark.parametrize("down", [False, True])
async def test_a_node_with_a_certificate_of_its_own_is_added_or_the_page_says_what_to_do(down: bool) -> None:
    """The known cluster vouches for it; where that is down, the node is one of its own, with a word about it."""
    listed = frozenset({certificate(seed=2).sha256})
    shown = FakeServer(
        certificate=certificate(seed=2), presented=CA, node_fingerprints=listed, trusted_by_system=True,
        observed=observation(nodes=1),
    )  # fmt: skip
    first = FakeServer(authority=CA, node_fingerprints=listed)
    if down:
        first.errors["connect"] = connection_messages.refused(KNOWN.endpoint)
    bench = make_bench([KNOWN], servers={KNOWN.endpoint.host: first, NEW.host: shown})
    bench.services.fleet.load()
    app = Stage(bench, lambda: RegisterScreen(bench.services))
    async with app.run_test(size=(90, 30)) as pilot:
        await pilot.pause()
        for name, value in {"endpoint": NEW.host, "user": "root@pam", "password": "right-password"}.items():
            app.screen.query_one(f"#{name}", Input).value = value
        app.screen.query_one("#password").focus()
        await pilot.press("enter")
        if down:
            await until(pilot, lambda: "is registered" in app.shown)
            words = " ".join(app.shown.split())
            assert 'Identity It says that it is of "fra-prod-1", which could not be asked (refused)' in words
            assert "--add-endpoint https://10.20.0.12:8006" in words
            return
        await until(pilot, lambda: isinstance(app.screen, KnownDialog))
        assert "fra-prod-1 vouches for its certificate." in " ".join(app.shown.replace("│", " ").split())
        bench.clock.advance(0.6)
        await pilot.press("tab", "enter")
        await until(pilot, lambda: "fra-prod-1 has one more endpoint" in app.shown)
    (stored,) = await bench.repository.list()
    assert stored.trust.vouched == (certificate(seed=2).pem,)
