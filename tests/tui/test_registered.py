"""The page after a registration: the other nodes, each to be taken as an endpoint or left."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from pxm_tui.domain import connection_messages
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.errors import PxmError, StorageError
from pxm_tui.tui.endpoint_choices import EndpointRow
from pxm_tui.tui.screens.register import RegisterScreen
from pxm_tui.tui.screens.register_success import RegisteredScreen
from tests.fakes import Bench, FakeServer, certificate, make_bench
from tests.tui.staging import Stage, until
from tests.tui.test_register import HOST, fill, registered, stage_of

SECOND, THIRD = "10.20.0.12", "10.20.0.13"


def of_three(**second: Any) -> Bench:
    """Three nodes; the second as it is told, the third refuses."""
    refused: dict[str, PxmError] = {"connect": connection_messages.refused(Endpoint(THIRD))}
    fine = FakeServer(trusted_by_system=True, node_fingerprints=frozenset({certificate().sha256}))
    return make_bench(
        servers={
            HOST: fine,
            SECOND: FakeServer(**{"trusted_by_system": not second, **second}),
            THIRD: FakeServer(errors=refused),
        }
    )


async def with_endpoints(pilot: Pilot[Any], app: Stage) -> None:
    """Register, and wait for the other nodes."""
    fill(app)
    await pilot.press("enter")
    await registered(pilot, app)
    await until(pilot, lambda: "refused" in app.shown)


async def endpoints_of(bench: Bench) -> list[str]:
    (stored,) = await bench.repository.list()
    return [endpoint.host for endpoint in stored.endpoints]


async def test_each_other_node_is_shown_and_what_works_is_kept_when_the_page_is_closed_at_once() -> None:
    bench = of_three()
    app = stage_of(bench)
    async with app.run_test(size=(80, 24)) as pilot:
        await with_endpoints(pilot, app)
        assert f"https://{HOST}:8006 (node fra-prod1); where it fails:" in app.shown
        assert "[x] 10.20.0.12:8006  fra-prod2  answers, 1 ms" in app.shown
        assert " –  10.20.0.13:8006  fra-prod3  refused" in app.shown
        assert app.focused is not None
        assert app.focused.id == "done"
        await pilot.press("escape")
        await until(pilot, lambda: bool(app.results))
        assert await endpoints_of(bench) == [HOST, SECOND]


@pytest.mark.parametrize("leave", ["enter", "escape"])
async def test_space_leaves_an_endpoint_and_going_keeps_that(leave: str) -> None:
    bench = of_three()
    app = stage_of(bench)
    async with app.run_test(size=(80, 24)) as pilot:
        await with_endpoints(pilot, app)
        assert "Shift-Tab choose endpoints" in app.shown
        await pilot.press("shift+tab")
        assert isinstance(app.focused, EndpointRow)
        assert app.focused.endpoint == Endpoint(SECOND), "one that does not work cannot be taken"
        assert "Space take, leave   Enter keep" in app.shown
        await pilot.press("space")
        assert "[ ] 10.20.0.12:8006" in app.shown
        assert await endpoints_of(bench) == [HOST, SECOND], "until the page is left"
        await pilot.press(leave)
        await until(pilot, lambda: bool(app.results))
        assert await endpoints_of(bench) == [HOST]
        (view,) = bench.services.fleet.view().clusters
        assert [endpoint.host for endpoint in view.cluster.endpoints] == [HOST]


async def test_what_was_left_and_taken_again_is_kept_and_another_can_be_registered() -> None:
    bench = of_three()
    app = stage_of(bench)
    async with app.run_test(size=(80, 24)) as pilot:
        await with_endpoints(pilot, app)
        edits = len([entry for entry in bench.audit.kept if entry.action == "edit"])
        await pilot.press("shift+tab", "space", "space", "tab", "tab", "enter")
        await until(pilot, lambda: isinstance(app.screen, RegisterScreen))
        assert await endpoints_of(bench) == [HOST, SECOND]
        assert len([entry for entry in bench.audit.kept if entry.action == "edit"]) == edits


async def test_no_letter_confirms_or_changes_anything_on_the_page() -> None:
    bench = of_three()
    app = stage_of(bench)
    async with app.run_test(size=(80, 24)) as pilot:
        await with_endpoints(pilot, app)
        await pilot.press("shift+tab", *"yndxkjq")
        assert "[x] 10.20.0.12:8006" in app.shown
        assert isinstance(app.screen, RegisteredScreen)


async def test_a_choice_that_cannot_be_kept_is_said_and_the_page_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = of_three()
    app = stage_of(bench)
    async with app.run_test(size=(80, 24)) as pilot:
        await with_endpoints(pilot, app)

        async def full(*_: object) -> None:
            raise StorageError("disk_full", "The disk is full.", do="Make room.")

        monkeypatch.setattr(bench.repository, "update", full)
        await pilot.press("shift+tab", "space", "enter")
        await until(pilot, lambda: "The disk is full." in app.shown)
        assert "[x] 10.20.0.12:8006" in app.shown
        assert not app.results
        await pilot.press("enter")
        await until(pilot, lambda: bool(app.results))
        assert await endpoints_of(bench) == [HOST, SECOND]


async def test_a_node_with_a_certificate_of_its_own_is_shown_as_one() -> None:
    own = certificate(seed=7)
    bench = of_three(certificate=own)
    bench.gateway.servers[HOST].node_fingerprints |= {own.sha256}
    app = stage_of(bench)
    async with app.run_test(size=(80, 24)) as pilot:
        await with_endpoints(pilot, app)
        assert "[x] 10.20.0.12:8006  fra-prod2  answers, 1 ms; own certificate" in app.shown
        (stored,) = await bench.repository.list()
        assert own.pem in stored.trust.vouched


async def test_a_stranger_at_the_address_of_a_node_is_named_and_cannot_be_taken() -> None:
    bench = of_three(certificate=certificate(seed=7))
    app = stage_of(bench)
    async with app.run_test(size=(80, 24)) as pilot:
        await with_endpoints(pilot, app)
        assert " –  10.20.0.12:8006  fra-prod2  certificate not of the cluster" in app.shown
        assert "; no other from here:" in app.shown
        assert "choose endpoints" not in app.shown
        assert bench.gateway.servers[SECOND].logins == 0
        assert await endpoints_of(bench) == [HOST]


async def test_the_page_has_its_help() -> None:
    app = stage_of(of_three())
    async with app.run_test(size=(80, 24)) as pilot:
        await with_endpoints(pilot, app)
        await pilot.press("f1")
        await until(pilot, lambda: "Help: Registered" in app.shown)
        assert "take or leave an endpoint" in app.shown
        await pilot.press("escape")
        await registered(pilot, app)
