"""How forms and dialogs look, at the three sizes that count."""

from __future__ import annotations

import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from pxm_tui.domain import connection_messages
from pxm_tui.domain.certificate import Certificate, compare
from pxm_tui.domain.cluster import Endpoint
from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.dialog import PassphraseQuestion, TrustQuestion
from pxm_tui.services.fleet_view import ClusterView
from pxm_tui.services.trusting import Comparison
from pxm_tui.tui.draft import RegisterDraft
from pxm_tui.tui.endpoint_choices import EndpointRow
from pxm_tui.tui.fields import FormInput
from pxm_tui.tui.screens.certificate import CertificateDialog, CompareDialog
from pxm_tui.tui.screens.check import CheckDialog
from pxm_tui.tui.screens.deregister import DeregisterDialog
from pxm_tui.tui.screens.passphrase import PassphraseDialog
from pxm_tui.tui.screens.register import Phase, RegisterScreen
from pxm_tui.tui.screens.register_success import RegisteredScreen
from tests.fakes import NOW, Bench, FakeServer, StillClock, certificate, make_bench, observation, sketch_fleet
from tests.tui.staging import Stage, until

SIZES = [(80, 24), (160, 45), (44, 20)]
IDS = [f"{width}x{height}" for width, height in SIZES]
HOST = "10.20.0.11"
SECONDS = {"connect": 0.012, "secure": 0.0155, "realms": 0.014, "login": 0.92, "version": 0.013, "observe": 0.04}
DRAFT = RegisterDraft(endpoint=HOST, user="root@pam", environment="prod", labels="site=fra team=core")

Compare = Callable[..., bool]
Before = Callable[[Pilot[Any]], Awaitable[None]]


@dataclass
class TimedServer(FakeServer):
    """A server whose phases take time on the still clock, but for those that run side by side.

    In which order these begin differs between Python versions (eager tasks), and so would the milliseconds.
    """

    clock: StillClock = field(default_factory=StillClock)
    side_by_side: frozenset[str] = frozenset({"version", "observe"})

    async def phase(self, name: str) -> None:
        """Let the time pass."""
        if name not in self.side_by_side:
            self.clock.advance(SECONDS.get(name, 0.0))
        await super().phase(name)


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Show times as they are in UTC, wherever the tests run."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def leaf() -> Certificate:
    return replace(
        certificate(),
        sha256="3F:9A:1C:77:02:E4:58:B0:6D:11:C9:A3:4E:F8:25:90:8B:D2:60:7F:E1:33:9C:05:AA:47:1E:D8:72:B6:0F:C4",
        not_after=datetime(2028, 3, 1, 15, tzinfo=UTC),
    )


def bench_of(**server: Any) -> Bench:
    bench = make_bench(sketch_fleet())
    observed = observation(name="fra-prod", nodes=5, guests=131, running=104)
    bench.gateway.servers[HOST] = TimedServer(
        observed=observed, certificate=leaf(), clock=bench.clock, trusted_by_system=False, **server
    )
    bench.services.fleet.load()
    return bench


def stage_of(pilot: Pilot[Any]) -> Stage:
    app = pilot.app
    assert isinstance(app, Stage)
    return app


def form(bench: Bench, draft: RegisterDraft | None = None) -> Stage:
    return Stage(bench, lambda: RegisterScreen(bench.services, draft))


def shows(bench: Bench, screen: Callable[[], Screen[Any]]) -> Stage:
    return Stage(bench, screen)


async def still(pilot: Pilot[Any]) -> None:
    """Wait until it has been drawn."""
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_empty_form(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(form(bench_of()), terminal_size=size, run_before=still)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_form_after_the_quiet_look(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def look(pilot: Pilot[Any]) -> None:
        await pilot.press("tab", "tab")
        await until(pilot, lambda: "! certificate" in stage_of(pilot).shown)

    draft = RegisterDraft(endpoint=HOST, user="root@pam")
    assert snap_compare(form(bench_of(), draft), terminal_size=size, run_before=look)


def submitted(bench: Bench, password: str, then: Before) -> Before:
    """Register with this password and trust the certificate."""

    async def run(pilot: Pilot[Any]) -> None:
        app = stage_of(pilot)
        app.screen.query_one("#password", FormInput).value = password
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CertificateDialog))
        bench.clock.advance(1)
        await pilot.press("tab", "enter")
        await then(pilot)

    return run


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_form_asking_for_the_code(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def asked(pilot: Pilot[Any]) -> None:
        screen = stage_of(pilot).screen
        assert isinstance(screen, RegisterScreen)
        await until(pilot, lambda: screen._phase is Phase.CODE)

    bench = bench_of(code="123456")
    run = submitted(bench, "right-password", asked)
    assert snap_compare(form(bench, DRAFT), terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_form_after_a_failure(snap_compare: Compare, size: tuple[int, int]) -> None:
    async def failed(pilot: Pilot[Any]) -> None:
        await until(pilot, lambda: "! rejected" in stage_of(pilot).shown)

    bench = bench_of()
    run = submitted(bench, "wrong-password", failed)
    assert snap_compare(form(bench, DRAFT), terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_success(snap_compare: Compare, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID("550e8400-e29b-41d4-a716-446655440000"))

    async def done(pilot: Pilot[Any]) -> None:
        app = stage_of(pilot)
        await until(pilot, lambda: app.focused is not None and app.focused.id == "code")
        app.burst("123456\r")
        await until(pilot, lambda: isinstance(app.screen, RegisteredScreen))
        await still(pilot)
        app.screen.query_one("#registered-body").scroll_to(y=0, animate=False)
        await still(pilot)

    bench = bench_of(code="123456")
    run = submitted(bench, "right-password", done)
    assert snap_compare(form(bench, replace(DRAFT, name="fra-prod-1")), terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_success_with_other_nodes(
    snap_compare: Compare, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID("550e8400-e29b-41d4-a716-446655440000"))
    own, stranger = certificate(seed=7), certificate(seed=8)
    bench = make_bench(
        servers={
            "10.20.0.11": FakeServer(
                observed=observation(nodes=5), trusted_by_system=True, node_fingerprints=frozenset({own.sha256})
            ),
            "10.20.0.12": FakeServer(trusted_by_system=True),
            "10.20.0.13": FakeServer(certificate=own),
            "10.20.0.14": FakeServer(errors={"connect": connection_messages.refused(Endpoint("10.20.0.14"))}),
            "10.20.0.15": FakeServer(certificate=stranger),
        }
    )

    async def run(pilot: Pilot[Any]) -> None:
        app = stage_of(pilot)
        app.screen.query_one("#password", FormInput).value = "right-password"
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, RegisteredScreen) and bool(app.screen.query(EndpointRow)))
        await pilot.press("shift+tab", "space")
        await still(pilot)

    assert snap_compare(form(bench, replace(DRAFT, name="fra-prod-1")), terminal_size=size, run_before=run)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_certificate_dialog(snap_compare: Compare, size: tuple[int, int]) -> None:
    bench = bench_of()
    asked = TrustQuestion(sketch_fleet()[0].endpoint, leaf(), host_named=False)
    app = shows(bench, lambda: CertificateDialog(asked, bench.services))

    async def type_another(pilot: Pilot[Any]) -> None:
        pilot.app.screen.query_one("#expected", FormInput).value = certificate(seed=2).sha256
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=type_another)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_changed_certificate(snap_compare: Compare, size: tuple[int, int]) -> None:
    bench = bench_of()
    changed = next(one for one in sketch_fleet() if one.name == "ber-edge-1")
    old = replace(leaf(), not_after=datetime(2026, 12, 4, tzinfo=UTC))
    new = replace(certificate(seed=9), public_key_sha256=old.public_key_sha256)
    found = Comparison(old, new, compare(old, new, NOW))
    view = ClusterView(changed, Snapshot(changed.id))
    app = shows(bench, lambda: CompareDialog(bench.services, view, found))
    assert snap_compare(app, terminal_size=size, run_before=still)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_check_failed_at_the_login(snap_compare: Compare, size: tuple[int, int]) -> None:
    bench = bench_of()
    which = next(one for one in sketch_fleet() if one.name == "lab-old")
    bench.gateway.servers[which.endpoint.host] = TimedServer(
        clock=bench.clock, tokens={}, side_by_side=frozenset({"realms", "version", "observe"})
    )
    app = shows(bench, lambda: CheckDialog(bench.services, ClusterView(which, Snapshot(which.id))))

    async def ended(pilot: Pilot[Any]) -> None:
        body = pilot.app.screen.query_one("#box-body")

        def at_the_end() -> bool:
            return "[ Copy report ]" in stage_of(pilot).shown and body.scroll_offset.y == body.max_scroll_y

        await until(pilot, at_the_end)

    assert snap_compare(app, terminal_size=size, run_before=ended)


@pytest.mark.parametrize("size", SIZES, ids=IDS)
@pytest.mark.parametrize("name", ["fra-prod-2", "dr-ams"])
def test_deregister(snap_compare: Compare, name: str, size: tuple[int, int]) -> None:
    bench = bench_of()
    which = next(one for one in sketch_fleet() if one.name == name)
    app = shows(bench, lambda: DeregisterDialog(bench.services, ClusterView(which, Snapshot(which.id))))
    assert snap_compare(app, terminal_size=size, run_before=still)


def test_choosing_a_passphrase(snap_compare: Compare) -> None:
    bench = bench_of()
    app = shows(bench, lambda: PassphraseDialog(PassphraseQuestion(new=True), bench.services))
    assert snap_compare(app, terminal_size=(80, 24), run_before=still)
