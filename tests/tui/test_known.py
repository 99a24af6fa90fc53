"""A cluster that is known already: one more endpoint, a cluster of its own, or nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widgets import Input

from pxm_tui.domain.certificate import Trust, TrustMode
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.services.dialog import Kinship, KnownAnswer, KnownQuestion
from pxm_tui.tui.screens.known import KnownDialog
from pxm_tui.tui.screens.register import RegisterScreen
from tests.fakes import HOSTILE_NAME, NOW, Bench, FakeServer, certificate, cluster, make_bench
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
