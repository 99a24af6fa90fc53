"""The home screen: what it shows, its keys, and that rows stay where they are."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from pxm_tui.domain import connection_messages, messages
from pxm_tui.domain.cluster import CheckResult, Endpoint, Status, reason_of
from pxm_tui.services.bundle import DemoFourth
from pxm_tui.tui.options import UiOptions
from pxm_tui.tui.screens.audit import AuditScreen
from pxm_tui.tui.screens.log import LogScreen
from pxm_tui.tui.widgets.prompt import Prompt
from tests.fakes import HOSTILE_NAME, NOW, FakeServer, cluster, make_bench
from tests.tui.driving import Driven, driven
from tests.tui.fleet import seen_bench

TITLE = " pxm  Clusters 11    ● 7   ▲ 1 degraded   × 1 unreachable   ■ 2 need you  14:02"


async def test_rows_as_in_the_sketch() -> None:
    async with driven(seen_bench()) as ui:
        lines = ui.lines

    assert lines[0] == TITLE
    assert lines[1] == "   NAME ▲           ENV  STATUS                      NODES  GUESTS PVE     SEEN"
    assert " ● ams-backup       PROD healthy                       3/3   41/41 9.2.11   now" in lines
    assert " ■ ber-edge-1       PROD untrusted: cert changed       3/3   22/24 9.2.11  52 m" in lines
    assert " × dr-ams           DR   unreachable: timed out        2/2   61/88 7.4-16   3 h" in lines
    assert " ● fra-stage        STAG healthy, limited rights       3/3       ? 8.4.5    now" in lines
    assert " ▲ 서울-1           PROD degraded: seoul-c offline     2/3   40/52 9.2.11   now" in lines
    assert lines[20].endswith(" by name, 11 of 11 ─")
    assert lines[23] == " Enter Open  a Register  c Check  D Deregister  / Filter  ! Problems  ? Help"


async def test_the_selected_row_is_explained() -> None:
    async with driven(seen_bench()) as ui:
        ui.home.grid.select(_id(ui, "dr-ams"))
        await ui.shows("c checks again")
        explained = ui.lines[21:23]

    assert explained == [
        " dr-ams: no answer from 10.40.0.11:8006 within 5 s, since 10:04. It is the only",
        " endpoint; its other node, when last seen: dr-ams-2, 10.40.0.12. c checks again.",
    ]


async def test_a_hostile_name_is_text() -> None:
    async with driven(seen_bench(), size=(160, 45)) as ui:
        ui.home.grid.select(_id(ui, HOSTILE_NAME))
        await ui.shows(f" {HOSTILE_NAME}: healthy.")
        await ui.press("y", "n")
        await ui.shows(f"Copied the name: {HOSTILE_NAME}")

        assert ui.app.is_running


async def test_problems_only() -> None:
    async with driven(seen_bench()) as ui:
        await ui.press("!")
        await ui.shows("problems only, 4 of 11")
        lines = ui.lines
        await ui.press("!")
        await ui.shows("by name, 11 of 11")

    rows = [line[3:] for line in lines[2:6]]
    assert [row.split()[0] for row in rows] == ["ber-edge-1", "dr-ams", "lab-old", "서울-1"]
    assert lines[7] == "   fra-stage: healthy, but its login may not see guests (VM.Audit on /vms)."
    assert lines[23].startswith(" Enter Open  c Check  y Copy  ! All clusters  / Filter  r Refresh  ? Help")


async def test_all_healthy() -> None:
    async with driven(make_bench((cluster("a", number=1), cluster("b", number=2)))) as ui:
        await ui.press("!")

        await ui.shows("All 2 clusters are healthy.  ! shows them.")


async def test_filter_as_you_type_and_keep() -> None:
    async with driven(seen_bench()) as ui:
        await ui.press("slash")
        prompt = ui.home.query_one(Prompt)
        prompt.field.value = "fra env=prod"
        await ui.shows("2 of 11   Enter keep   Esc clear")
        await ui.press("enter")
        await ui.shows('"fra env=prod", 2 of 11')

        assert ui.bench.preferences.kept["clusters"]["filter"] == "fra env=prod"
        assert ui.app.focused is ui.home.grid

        await ui.press("escape")
        await ui.shows("by name, 11 of 11")
        assert ui.bench.preferences.kept["clusters"]["filter"] == ""


async def test_esc_while_filtering_leaves_the_cursor_where_it_was() -> None:
    async with driven(seen_bench()) as ui:
        await ui.press("j", "j", "j")
        before = ui.home.grid.cursor_key
        await ui.burst("/nowhere")
        await ui.shows("No cluster matches")
        await ui.press("escape")
        await ui.shows("by name, 11 of 11")

        assert ui.home.grid.cursor_key == before


async def test_a_filter_that_finds_nothing_says_how_to_clear_it() -> None:
    async with driven(seen_bench()) as ui:
        await ui.burst("/nowhere")
        await ui.shows('No cluster matches "nowhere".  Esc clears the filter.')
        await ui.press("escape")

        await ui.shows("by name, 11 of 11")
        assert not ui.home.typing


async def test_keys_sent_in_one_burst_land_where_they_belong() -> None:
    async with driven(seen_bench()) as ui:
        await ui.burst("jj/edge\rj!")
        await ui.shows('problems only, "edge", 1 of 11')

        assert ui.home.choices.words == "edge"


async def test_sort_is_shown_and_remembered() -> None:
    bench = seen_bench()
    async with driven(bench) as ui:
        await ui.press("s")
        await ui.shows("Sort by  name  [STATUS]  seen  guests  version  rtt         s next   S reverse")
        await ui.press("S")
        await ui.shows("by status, reversed")
        await ui.press("j")
        await ui.shows("Enter Open")
        assert "STATUS ▼" in ui.lines[1]

    async with driven(bench) as ui:
        assert "by status, reversed" in ui.shown


@pytest.mark.parametrize(("size", "count"), [((44, 20), 20), ((80, 24), 24), ((160, 45), 45)])
async def test_fills_the_screen_without_overlap(size: tuple[int, int], count: int) -> None:
    async with driven(seen_bench(), size=size) as ui:
        strips = ui.app.screen._compositor.render_strips()

    assert len(strips) == count
    assert {strip.cell_length for strip in strips} == {size[0]}


async def test_too_small() -> None:
    async with driven(seen_bench(), size=(38, 10)) as ui:
        assert ui.shown.strip() == "pxm needs 40x12, this is 38x10."
        await ui.pilot.resize_terminal(80, 24)
        await ui.shows(TITLE)


async def test_the_focus_is_back_where_it_was_when_the_terminal_is_large_again() -> None:
    async with driven(seen_bench()) as ui:
        await ui.press("e")
        await ui.shows("Tab next field")
        await ui.press("tab", "tab")
        before = ui.app.screen.focused
        await ui.pilot.resize_terminal(38, 10)
        await ui.shows("this is 38x10")
        await ui.pilot.resize_terminal(80, 24)
        await ui.shows("Tab next field")
        await ui.until(lambda: ui.app.screen.focused is before)
    assert before is not None


async def test_a_dialog_on_a_terminal_that_is_too_small_says_so_once() -> None:
    async with driven(seen_bench()) as ui:
        await ui.press("D")
        await ui.shows("Cancel")
        await ui.pilot.resize_terminal(38, 10)
        await ui.shows("this is 38x10")
        await ui.until(lambda: ui.shown.strip() == "pxm needs 40x12, this is 38x10.")


async def test_the_demo_says_what_is_left_to_be_registered_until_it_is() -> None:
    registered = seen_bench().services.fleet.load().clusters[0].cluster.endpoint.host
    for host, said in (("127.0.0.4", True), (registered, False)):
        bench = seen_bench()
        demo = DemoFourth(host, "root@pam", "demo-fourth")
        async with driven(replace(bench, services=replace(bench.services, demo=demo))) as ui:
            await ui.shows("pxm DEMO")
            assert ("root@pam  demo-fourth" in ui.shown) is said


async def test_ascii_only() -> None:
    async with driven(seen_bench(), options=UiOptions(ascii=True)) as ui:
        shown = ui.shown.replace("서울-1", "")

    assert shown.isascii()
    assert " # ber-edge-1       PROD untrusted: cert changed       3/3   22/24 9.2.11  52 m" in shown


async def test_nothing_registered() -> None:
    async with driven(make_bench()) as ui:
        await ui.shows("No cluster is registered yet.")
        lines = ui.lines

    assert lines[5] == "            No cluster is registered yet."
    assert lines[7] == "            a    register one: an address and a login are enough. Every step"
    assert lines[22] == "─" * 80
    assert lines[23] == " a Register   : Command   ? Help   q Quit"


async def test_the_first_answers_of_a_run() -> None:
    clusters = (cluster("a", number=1, host="a.lab"), cluster("b", number=2, host="b.lab", seen_seconds_ago=4 * 3600))
    gate = asyncio.Event()
    bench = make_bench(
        clusters, servers={"a.lab": FakeServer(), "b.lab": FakeServer(gates={"resolve": gate})}, period=15.0
    )
    async with driven(bench) as ui:
        await ui.shows("checking: 1 of 2 answered")
        assert " ○ b                PROD (healthy) checking            3/3   41/41 9.2.11   4 h" in ui.lines
        gate.set()
        await ui.shows("● 2")
        assert "checking" not in ui.shown


async def test_a_refresh_keeps_cursor_and_rows() -> None:
    servers = {f"h{n}.lab": FakeServer() for n in range(40)}
    clusters = tuple(cluster(f"c-{n}", number=n, host=f"h{n}.lab") for n in range(40))
    bench = make_bench(clusters, servers=servers, period=15.0)
    async with driven(bench) as ui:
        await ui.shows("● 40")
        await ui.press(*["j"] * 25)
        before = [line[3:8] for line in ui.lines[2:20]]
        servers["h20.lab"].errors["connect"] = connection_messages.timeout(Endpoint("h20.lab"), 5)
        await ui.press("r")
        await ui.shows("× 1 unreachable")

        assert [line[3:8] for line in ui.lines[2:20]] == before
        assert ui.home.grid.cursor_key == clusters[25].id


async def test_what_another_program_registers_appears_and_the_cursor_stays() -> None:
    bench = make_bench((cluster("b", number=1), cluster("c", number=2)), period=3600.0)
    async with driven(bench) as ui:
        await ui.press("j")
        await bench.repository.save(cluster("a", number=3))
        await bench.services.fleet.reload()
        await ui.shows("a was registered by another pxm.")

        assert ui.home.grid.cursor_key == cluster("c", number=2).id
        await ui.press("escape")
        await ui.until(lambda: "another pxm" not in ui.shown)


async def test_all_silent_at_once_points_at_this_machine() -> None:
    clusters = tuple(cluster(f"c-{n}", number=n) for n in range(4))
    dead = [
        replace(
            one,
            status=Status.UNREACHABLE,
            error=replace(reason_of(connection_messages.timeout(one.endpoint, 5), "connect"), since=NOW),
        )
        for one in clusters
    ]
    async with driven(make_bench(dead)) as ui:
        lines = ui.lines

    assert lines[0].startswith(" pxm  Clusters 4    ● 0   × 4 unreachable")
    assert lines[1] == " ! All 4 clusters stopped answering within 1 s, at 14:02. Look at this machine"
    assert lines[2] == "   first: network, VPN, DNS. Rows show what was last seen. r tries again."


@pytest.mark.parametrize(
    ("width", "rows"),
    [
        (
            80,
            [
                " ! All 40 clusters stopped answering within 14 s, at 14:02. Look at this machine",
                "   first: network, VPN, DNS. Rows show what was last seen. r tries again.",
            ],
        ),
        (
            60,
            [
                " ! All 40 clusters stopped answering within 14 s, at 14:02.",
                "   Look at this machine first: network, VPN, DNS.",
            ],
        ),
        (
            44,
            [
                " ! All 40 clusters silent since 14:02. Look",
                "   at this machine first: network, VPN, DNS.",
            ],
        ),
    ],
)
async def test_what_is_to_be_done_about_silence_is_never_cut(width: int, rows: list[str]) -> None:
    since = [NOW, NOW + timedelta(seconds=14)]
    error = reason_of(connection_messages.timeout(Endpoint("a"), 5), "connect")
    dead = [
        replace(cluster(f"c-{n}", number=n), status=Status.UNREACHABLE, error=replace(error, since=since[n % 2]))
        for n in range(40)
    ]
    async with driven(make_bench(dead), size=(width, 24)) as ui:
        assert [line.rstrip() for line in ui.lines[1:3]] == rows


async def test_ages_move_at_the_minute() -> None:
    bench = make_bench((cluster("a", number=1),))
    async with driven(bench) as ui:
        assert ui.lines[2].endswith("now")
        bench.clock.advance(180)
        ui.home._minute()
        await ui.shows("3 m")

        assert ui.lines[0].endswith("14:05")


async def test_a_click_selects_and_a_second_opens() -> None:
    async with driven(seen_bench()) as ui:
        await ui.pilot.click(ui.home.grid, offset=(5, 3))
        await ui.pilot.pause()
        assert ui.home.grid.cursor_row is not None
        assert ui.home.grid.cursor_row.cluster.name == "ams-prod-1"
        assert len(ui.app.screen_stack) == 1

        await ui.pilot.click(ui.home.grid, offset=(5, 3))
        await ui.shows("Clusters › ams-prod-1")


@pytest.mark.parametrize(
    ("letter", "copied"),
    [("u", "https://ams-b1.example.net:8006"), ("n", "ams-backup"), ("s", "ssh root@ams-b1.example.net")],
)
async def test_copying(letter: str, copied: str) -> None:
    async with driven(seen_bench()) as ui:
        ui.home.grid.select(_id(ui, "ams-backup"))
        await ui.burst(f"y{letter}")
        await ui.shows("tmux needs `set -g set-clipboard on`")

        assert ui.app.clipboard == copied
        assert copied in ui.shown


async def test_the_command_line() -> None:
    async with driven(seen_bench()) as ui:
        await ui.press("colon")
        prompt = ui.home.query_one(Prompt)
        prompt.field.value = "op"
        await ui.shows("open   its details   Tab complete")
        await ui.press("tab")
        assert prompt.field.value == "open "
        prompt.field.value = "open dr-ams"
        await ui.press("enter")

        await ui.shows("Clusters › dr-ams")
        assert ui.app.history == ["open dr-ams"]


async def test_a_command_that_names_no_cluster_says_so_and_stays() -> None:
    async with driven(seen_bench()) as ui:
        await ui.burst(":open dr-am\r")
        await ui.shows('No cluster is called "dr-am". Close: dr-ams')
        await ui.burst("s\r")

        await ui.shows("Clusters › dr-ams")


async def test_ctrl_c_closes_what_is_typed_before_it_quits() -> None:
    async with driven(seen_bench()) as ui:
        await ui.press("colon", "ctrl+c")
        assert not ui.home.typing
        assert ui.app.is_running
        ui.bench.clock.advance(2)
        await ui.press("ctrl+c")

    assert ui.app.return_code == 0


async def test_escape_never_quits() -> None:
    async with driven(seen_bench()) as ui:
        await ui.press("escape", "escape", "escape")

        assert ui.app.is_running


async def test_an_unreadable_registry_is_said_and_not_taken_for_an_empty_one() -> None:
    bench = seen_bench()
    bench.repository.read = _newer  # type: ignore[method-assign]
    async with driven(bench) as ui:
        assert "written by a newer pxm" in ui.shown
        assert "No cluster is registered yet." not in ui.shown


def _newer() -> tuple[()]:
    raise messages.storage_unusable("clusters.json", "it was written by a newer pxm")


async def test_a_still_fleet_repaints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = seen_bench()
    async with driven(bench) as ui:
        displayed: list[object] = []
        monkeypatch.setattr(ui.app, "_display", lambda _screen, found: displayed.append(found))
        for view in bench.services.fleet.view().clusters:
            result = CheckResult(view.cluster.id, view.cluster.basis(), NOW, view.cluster.status, view.cluster.error)
            await bench.repository.save_checks([result])
        await bench.services.fleet.reload()
        ui.home._gathered()
        await ui.pilot.pause()

        assert [found for found in displayed if found is not None] == [], ui.shown


def _id(ui: Driven, name: str) -> str:
    return next(view.cluster.id for view in ui.home.cluster_views() if view.cluster.name == name)


@pytest.mark.parametrize("screen", [LogScreen, AuditScreen])
async def test_news_of_the_fleet_do_not_meet_a_screen_that_is_not_there_yet(screen: type[LogScreen]) -> None:
    async with driven(seen_bench()) as ui:
        pushed = ui.app.push_screen(screen(ui.bench.services))
        ui.home._gathered()
        await pushed
        ui.home._gathered()
        await ui.shows("Esc Back")


@pytest.mark.parametrize(("width", "lines"), [(44, 2), (80, 1)])
async def test_the_line_of_choices_is_whole_on_the_narrowest_screen(width: int, lines: int) -> None:
    async with driven(seen_bench(), size=(width, 20)) as ui:
        await ui.press("y")
        await ui.shows("Copy  u URL")
        words = " ".join(" ".join(ui.lines[-2:]).split())
        for choice in ("u URL", "n name", "i id", "f fingerprint", "r report", "s ssh root@10.80.0.11"):
            assert choice in words
        await ui.press("escape", "s")
        await ui.shows("Sort by")
        shown = ui.lines[-lines:]
        assert "Sort by  name  [STATUS]  seen  guests" in shown[0]
        for choice in ("version", "rtt", "s next   S reverse"):
            assert choice in " ".join(shown)
        assert all(len(line) <= width for line in shown)
        await ui.press("S")
        await ui.shows("by status, reversed")
