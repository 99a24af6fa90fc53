"""The demo's fault menu, over an injector that only remembers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pxm_tui.domain.errors import InvalidError
from pxm_tui.services.bundle import DemoFourth
from pxm_tui.services.faults import ActiveFault, BreakableCluster, FaultKind, FaultValue
from pxm_tui.tui.screens.faults import FaultsDialog
from tests.fakes import HOSTILE_NAME, Bench, FakeServer, cluster, make_bench
from tests.tui.driving import Driven, driven

KINDS = (
    FaultKind("down", "Refuses connections", "pveproxy is stopped.", per_node=True),
    FaultKind("slow", "Slow answers", "Every answer comes later.", True, "milliseconds more for each answer", 2000),
    FaultKind("no-quorum", "No quorum", "The nodes do not see each other.", per_node=False),
    FaultKind("task-fails", "Tasks fail", "Every task fails.", False, "what the task ends with", "no space left"),
)


class FakeInjector:
    """A fleet of one cluster that remembers its faults."""

    def __init__(self, url: str, nodes: tuple[str, ...] = ("pve1", "pve2")) -> None:
        self.cluster = BreakableCluster("fra-prod", (url, "https://10.99.0.2:8006"), nodes)
        self.refuses = ""

    async def kinds(self) -> tuple[FaultKind, ...]:
        return KINDS

    async def clusters(self) -> tuple[BreakableCluster, ...]:
        return (BreakableCluster("other", ("https://10.99.9.9:8006",), ("pve1",)), self.cluster)

    async def set(
        self, cluster: str, fault: str, node: str | None = None, value: FaultValue | None = None
    ) -> BreakableCluster:
        if self.refuses:
            raise InvalidError("fault", self.refuses)
        assert cluster == self.cluster.name
        kind = next(kind for kind in KINDS if kind.name == fault)
        places: tuple[str | None, ...] = (node,) if node else self.cluster.nodes if kind.per_node else (None,)
        wanted = kind.default if value is None else value
        kept = tuple(one for one in self.cluster.active if one.name != fault or one.node not in places)
        more = tuple(ActiveFault(fault, place, wanted) for place in places)
        self.cluster = replace(self.cluster, active=kept + more)
        return self.cluster

    async def clear(self, cluster: str, fault: str, node: str | None = None) -> BreakableCluster:
        assert cluster == self.cluster.name
        kept = tuple(one for one in self.cluster.active if one.name != fault or node not in {None, one.node})
        self.cluster = replace(self.cluster, active=kept)
        return self.cluster

    @property
    def places(self) -> list[tuple[str, str | None]]:
        return [(one.name, one.node) for one in self.cluster.active]


def demo_bench(name: str = "fra-prod", nodes: tuple[str, ...] = ("pve1", "pve2")) -> tuple[Bench, FakeInjector]:
    one = cluster(name)
    bench = make_bench([one], servers={"10.20.0.11": FakeServer()})
    injector = FakeInjector(one.endpoint.url, nodes)
    demo = DemoFourth("127.0.0.4", "root@pam", "demo-fourth")
    return replace(bench, services=replace(bench.services, demo=demo, faults=injector)), injector


async def opened(app: Driven) -> None:
    """Open the menu and wait until it listens."""
    await app.press("F")
    await app.shows("Refuses connections")
    app.bench.clock.advance(0.6)


async def test_a_fault_is_set_and_ended_again() -> None:
    bench, injector = demo_bench()
    async with driven(bench) as app:
        await opened(app)
        assert "Faults of fra-prod" in app.shown
        assert "[ ] Refuses connections" in app.shown
        assert "pveproxy is stopped." in app.shown
        await app.press("enter")
        await app.shows("[x] Refuses connections")
        assert "pve1, pve2" in app.shown
        assert injector.places == [("down", "pve1"), ("down", "pve2")]
        await app.press("enter")
        await app.shows("[ ] Refuses connections")
        assert injector.places == []


async def test_of_one_node_alone() -> None:
    bench, injector = demo_bench()
    async with driven(bench) as app:
        await opened(app)
        await app.press("j", "n", "n")
        await app.shows("On      pve2")
        assert "Value   2000 (milliseconds more for each answer)" in app.shown
        await app.press("enter")
        await app.shows("[x] Slow answers")
        assert injector.places == [("slow", "pve2")]
        assert any("Slow answers" in line and "pve2  2000" in line for line in app.lines)
        await app.press("n", "n")
        await app.shows("On      pve1")
        await app.press("enter")
        await app.shows("pve2, pve1")
        await app.press("enter")
        await app.until(lambda: injector.places == [("slow", "pve2")])


async def test_a_fault_of_the_whole_cluster_takes_no_node() -> None:
    bench, injector = demo_bench()
    async with driven(bench) as app:
        await opened(app)
        await app.press("n", "G")
        await app.shows("On      the whole cluster")
        await app.press("enter")
        await app.shows("[x] Tasks fail")
        assert injector.places == [("task-fails", None)]
        assert any("Tasks fail" in line and "cluster  no space left" in line for line in app.lines)


async def test_keys_that_come_too_early_set_nothing() -> None:
    bench, injector = demo_bench()
    async with driven(bench) as app:
        await app.burst("F\r\r\r")
        await app.shows("Refuses connections")
        await app.press("enter")
        assert injector.places == []


async def test_what_is_refused_is_said_and_the_menu_stays() -> None:
    bench, injector = demo_bench()
    injector.refuses = "The simulated fleet refuses: it is not possible now."
    async with driven(bench) as app:
        await opened(app)
        await app.press("enter")
        await app.shows("it is not possible now")
        injector.refuses = ""
        await app.press("enter")
        await app.shows("[x] Refuses connections")
        assert "not possible" not in app.shown


async def test_a_cluster_that_is_not_of_the_demo() -> None:
    bench, injector = demo_bench()
    injector.cluster = replace(injector.cluster, urls=("https://10.99.0.7:8006",))
    async with driven(bench) as app:
        await app.press("F")
        await app.shows("This cluster is none of the demo's.")
        app.bench.clock.advance(0.6)
        await app.press("enter", "n", "escape")
        await app.until(lambda: app.app.screen is app.home)
        assert injector.places == []


async def test_the_fleet_is_asked_when_something_has_changed() -> None:
    bench, _ = demo_bench()
    async with driven(bench) as app:
        server = bench.gateway.servers["10.20.0.11"]
        await opened(app)
        await app.press("escape")
        await app.until(lambda: app.app.screen is app.home)
        assert server.logins == 0
        await opened(app)
        await app.press("enter")
        await app.shows("[x] Refuses connections")
        await app.press("escape")
        await app.until(lambda: server.logins > 0)


async def test_by_its_name_at_the_prompt() -> None:
    bench, _ = demo_bench()
    async with driven(bench) as app:
        await app.burst(":fault fra-prod\r")
        await app.until(lambda: isinstance(app.app.screen, FaultsDialog))
        await app.shows("Faults of fra-prod")


async def test_the_help_names_it_in_the_demo_alone() -> None:
    demo, _ = demo_bench()
    async with driven(demo) as app:
        await app.press("question_mark")
        await app.shows("faults (demo)")
    async with driven(make_bench([cluster("fra-prod")])) as app:
        await app.press("F")
        assert app.app.screen is app.home
        await app.burst(":fault\r")
        await app.shows('no command "fault"')
        await app.press("escape", "question_mark")
        await app.shows("deregister (asks)")
        assert "(demo)" not in app.shown


@pytest.mark.parametrize("size", [(44, 20), (80, 24), (160, 45)])
async def test_it_fits(size: tuple[int, int]) -> None:
    bench, injector = demo_bench(HOSTILE_NAME, tuple(f"node-with-a-long-name-{index}" for index in range(9)))
    async with driven(bench, size=size) as app:
        await opened(app)
        await app.press("enter")
        await app.shows("[x] Refuses")
        assert len(injector.places) == 9
        assert len(app.lines) <= size[1]
        assert any("Esc" in line for line in app.lines)
        assert any("On " in line for line in app.lines)


async def test_the_menu_opens_on_the_screen_of_the_cluster_too() -> None:
    bench, injector = demo_bench()
    async with driven(bench) as app:
        await app.press("enter")
        await app.shows("Last errors")
        await opened(app)
        assert "Faults of fra-prod" in app.shown
        await app.press("enter")
        await app.shows("[x] Refuses connections")
        assert injector.places == [("down", "pve1"), ("down", "pve2")]
        await app.press("escape")
        await app.shows("Last errors")
        await app.burst(":fault\r")
        await app.shows("Faults of fra-prod")


async def test_outside_of_the_demo_there_is_no_such_key() -> None:
    bench = make_bench([cluster("fra-prod")], servers={"10.20.0.11": FakeServer()})
    async with driven(bench) as app:
        await app.press("enter")
        await app.shows("Last errors")
        await app.press("F", "question_mark")
        await app.shows("Help: One cluster")
        assert "faults" not in app.shown
