"""The screen of one cluster."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pxm_tui.domain import connection_messages
from pxm_tui.domain.cluster import Endpoint, Limit
from pxm_tui.domain.software import NodeSoftware
from tests.fakes import HOSTILE_NAME, NOW, Bench, FakeServer, cluster, make_bench, observation
from tests.tui.driving import Driven, driven
from tests.tui.fleet import seen_bench


async def _open(ui: Driven, name: str) -> None:
    view = next(view for view in ui.home.cluster_views() if view.cluster.name == name)
    ui.home.grid.select(view.cluster.id)
    await ui.press("enter")
    await ui.shows("Last errors")


async def test_a_healthy_cluster() -> None:
    async with driven(seen_bench()) as ui:
        await _open(ui, "ams-prod-1")
        lines = ui.lines

    assert lines[0] == " pxm  Clusters › ams-prod-1                                  PROD   now   14:02"
    assert lines[1] == " ● healthy   Proxmox VE 9.2.11   5/5 nodes, quorate   118/140 guests   RTT 12 ms"
    assert lines[3] == " Endpoint   https://ams1.example.net:8006 (node ams-pr-1), the only one"
    assert lines[4] == " Login      monitor@pve!pxm, API token, expires: unknown"
    assert lines[5] == " Rights     sees nodes, guests, tasks; may not act (PVEAuditor)"
    assert lines[6].startswith(" Trust      this certificate, ")
    assert lines[6].endswith(", to 2028-03-01 (465 d)")
    assert lines[7] == " Cluster    ams-prod-1, id 550e8400, registered 2026-10-23 14:02 UTC"
    assert lines[8] == " Labels     env=prod"
    assert lines[10].startswith("─ Nodes 5 ───")
    assert lines[11] == "    NODE      STATE     ADDRESS       CPU  MEMORY          UPTIME"
    assert lines[12] == "> ● ams-pr-1  online    10.9.1.11    34 %  61 % of 256 GiB   12 d  this endpoint"
    assert lines[23] == " Esc Back  Tab Nodes/Errors  c Check  D Deregister  y Copy  r Refresh  ? Help"


async def test_an_unreachable_cluster() -> None:
    async with driven(seen_bench()) as ui:
        await _open(ui, "dr-ams")
        lines = ui.lines

    assert lines[0] == " pxm  Clusters › dr-ams                               DR   seen 3 h ago   14:02"
    assert lines[1] == " × unreachable since 10:04: timed out   (below: as last seen at 10:04)"
    assert lines[3] == " What happened  No answer from 10.40.0.11:8006 within 5 s; 57 tries since"
    assert lines[4] == "                10:04."
    assert lines[5] == " Probably       The host is off, a firewall drops the packets, or the VPN to"
    assert lines[6] == "                its network is down. 8 other clusters answer from here."
    assert lines[7].startswith(" Do             c checks it now, step by step.")
    assert any(line.startswith("─ Nodes 2, as last seen ──") for line in lines)
    assert any("○ dr-ams-2  (online)  10.40.0.12" in line for line in lines)
    assert "   10:04:10  connect  timed out   (57 times, last 13:58:40)" in lines
    assert "   2026-11-21 22:02:10  connect  timed out   (3 times, last 2026-11-21 23:02:10)" in lines
    assert lines[23] == " Esc Back  c Check now  D Deregister  y Copy report  l Log  e Edit  ? Help"


async def test_a_change_that_comes_while_the_program_ends_finds_no_screen_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with driven(seen_bench()) as ui:
        await _open(ui, "dr-ams")
        await ui.app.screen.query_children().remove()
        with monkeypatch.context() as ending:
            ending.setattr(ui.app, "_running", False)
            ui.home._gathered()


async def test_a_degraded_cluster_names_its_node() -> None:
    async with driven(seen_bench()) as ui:
        await _open(ui, "서울-1")

        assert "▲ degraded since 12:58: seoul-c offline" in ui.shown
        assert "× seoul-c" in ui.shown


@pytest.mark.parametrize(
    ("name", "does"), [("ber-edge-1", "then c, Compare certificates."), ("lab-old", "c checks it and logs in again.")]
)
async def test_a_stopped_cluster_says_which_key_helps(name: str, does: str) -> None:
    async with driven(seen_bench(), size=(120, 40)) as ui:
        await _open(ui, name)

        assert does in " ".join(ui.shown.split())


async def test_limited_rights_show_the_line_that_grants_them() -> None:
    async with driven(_limited(seen_bench()), size=(120, 40)) as ui:
        await _open(ui, "fra-stage")

        assert "pveum acl modify / --roles PVEAuditor --tokens 'monitor@pve!pxm'" in ui.shown


def _limited(bench: Bench) -> Bench:
    for one in bench.repository.read():
        if one.name == "fra-stage":
            kept = replace(bench.cache.kept[one.id], rights="sees nodes; not guests (VM.Audit)")
            bench.cache.kept[one.id] = kept
            assert one.limits == (Limit("VM.Audit", "/vms"),)
    return bench


async def test_a_hostile_name_is_text() -> None:
    async with driven(seen_bench()) as ui:
        await _open(ui, HOSTILE_NAME)

        assert HOSTILE_NAME in ui.lines[0]


async def test_tab_moves_between_nodes_and_errors() -> None:
    async with driven(seen_bench()) as ui:
        await _open(ui, "dr-ams")
        await ui.press("tab", "j")
        await ui.until(lambda: any(line.startswith(">  2026-11-21 22:02:10") for line in ui.lines))
        await ui.press("tab", "j")
        await ui.until(lambda: any(line.startswith("> ○ dr-ams-2") for line in ui.lines))


@pytest.mark.parametrize("key", ["escape", "q", "ctrl+c"])
async def test_ways_back(key: str) -> None:
    async with driven(seen_bench()) as ui:
        await _open(ui, "dr-ams")
        await ui.press(key)
        await ui.shows("by name")

        assert ui.app.is_running


async def test_closes_when_the_cluster_is_gone() -> None:
    bench = seen_bench()
    async with driven(bench) as ui:
        await _open(ui, "dr-ams")
        gone = next(cluster for cluster in bench.repository.read() if cluster.name == "dr-ams")
        await bench.repository.delete(gone.id)
        await bench.services.fleet.reload()
        ui.home._gathered()

        await ui.shows("10 of 10")


async def test_copies_a_report_without_secrets() -> None:
    async with driven(seen_bench()) as ui:
        await _open(ui, "dr-ams")
        await ui.press("y", "r")
        await ui.shows("Copied the report")

        report = ui.app.clipboard
    assert report.startswith("pxm 0.1.0 check of dr-ams, 2026-11-22 14:02:10 UTC, from jump1\n")
    assert "status       unreachable: No answer from 10.40.0.11:8006 within 5 s., since 2026-11-22 10:04 UTC" in report
    assert "right-secret" not in report


@pytest.mark.parametrize("size", [(44, 20), (60, 16), (120, 40), (160, 45)])
async def test_fits_every_size(size: tuple[int, int]) -> None:
    async with driven(seen_bench(), size=size) as ui:
        await _open(ui, "dr-ams")
        strips = ui.app.screen._compositor.render_strips()

        assert {strip.cell_length for strip in strips} == {size[0]}
        assert len(strips) == size[1]
        assert "× unreachable" in ui.shown
        assert "? Help" in ui.shown


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        (22, ()),
        (23, ("Rights",)),
        (24, ("Rights", "Cluster")),
        (25, ("Rights", "Cluster", "Labels")),
        (45, ("Rights", "Cluster", "Labels")),
    ],
)
async def test_facts_give_way_to_nodes_and_errors_below_an_explanation(lines: int, kept: tuple[str, ...]) -> None:
    async with driven(seen_bench(), size=(80, lines)) as ui:
        await _open(ui, "dr-ams")
        shown = ui.lines

    starts = [line.split()[0] for line in shown if line.strip()]
    assert tuple(word for word in starts if word in {"Rights", "Cluster", "Labels"}) == kept
    assert "Trust" in starts
    assert any("○ dr-ams-2" in line for line in shown)
    assert any("(3 times, last" in line for line in shown)


@pytest.mark.parametrize("width", [80, 160])
async def test_the_days_of_a_token_stay_beside_its_name_however_long_it_is(width: int) -> None:
    bench = seen_bench()
    (record,) = (one for one in await bench.repository.list() if one.name == "ams-prod-1")
    token_id = "a-rather-long-user@example.com!pxm-jump-host-of-the-noc-anna-550e8400-12"
    login = replace(record.login, token_id=token_id, minted=True, expires_at=NOW + timedelta(days=300, hours=1))
    await bench.repository.save(replace(record, login=login))
    bench.services.fleet.load()
    async with driven(bench, size=(width, 45)) as ui:
        await _open(ui, "ams-prod-1")
        (line,) = (line for line in ui.lines if line.startswith(" Login "))
        assert line.endswith(", expires 2027-09-18 (300 d)")
        assert (token_id in line) is (width == 160)
        assert "a-rather-long" in line
        assert "550e8400-12" in line


RUNS = "pve-manager 9.2.11, kernel 6.17.2-1-pve on all 3 nodes"


def _answering(server: FakeServer) -> Bench:
    return make_bench([cluster("fra-prod-1")], servers={"10.20.0.11": server})


async def _asked(ui: Driven) -> None:
    """Open the only cluster once it has answered."""
    await ui.press("r")
    await ui.until(lambda: all(view.asked for view in ui.bench.services.fleet.view().clusters))
    await ui.press("enter")


async def test_what_the_nodes_run_is_read_when_the_cluster_is_opened_and_kept() -> None:
    server = FakeServer()
    async with driven(_answering(server)) as ui:
        await _asked(ui)
        await ui.shows(f" Software   {RUNS}")
        assert len(server.software_asked) == 3
        await ui.press("escape")
        await ui.shows("by name")
        await ui.press("enter")
        await ui.shows(f" Software   {RUNS}")
        assert len(server.software_asked) == 3
        await ui.press("r")
        await ui.until(lambda: len(server.software_asked) == 6)


async def test_nothing_is_read_before_the_cluster_has_answered() -> None:
    server = FakeServer()
    async with driven(_answering(server)) as ui:
        await ui.press("enter")
        await ui.shows("Last errors")
        assert "Software" not in ui.shown
        assert server.sessions == 0
        await ui.press("r")
        await ui.shows(RUNS)


async def test_mixed_versions_are_pointed_out() -> None:
    server = FakeServer(software={"fra-prod3": NodeSoftware("fra-prod3", "9.2.6", "6.14.11-4-pve")})
    async with driven(_answering(server)) as ui:
        await _asked(ui)
        await ui.shows("! mixed:")
        words = " ".join(ui.shown.split())
        assert "! mixed: pve-manager 9.2.11 on fra-prod1 and fra-prod2, 9.2.6 on fra-prod3; kernel" in words


async def test_who_may_not_see_the_versions_is_told_what_is_missing_and_what_grants_it() -> None:
    server = FakeServer(observed=observation(privileges=frozenset({"VM.Audit"})))
    async with driven(_answering(server), size=(160, 45)) as ui:
        await _asked(ui)
        await ui.shows("not allowed to see them: Sys.Audit on /nodes is missing. On a node:  pveum acl modify /nodes")
        assert server.software_asked == []


async def test_a_hostile_version_is_text() -> None:
    server = FakeServer(software={"fra-prod3": NodeSoftware("fra-prod3", HOSTILE_NAME, "\x1b[31m")})
    async with driven(_answering(server), size=(160, 45)) as ui:
        await _asked(ui)
        await ui.shows(f"{HOSTILE_NAME} on fra-prod3")
        assert "\x1b" not in ui.shown


async def test_what_could_not_be_read_is_read_when_the_cluster_is_back() -> None:
    server = FakeServer(errors={"software": connection_messages.refused(Endpoint("10.20.0.11"))})
    server.errors["connect"] = connection_messages.refused(Endpoint("10.20.0.11"))
    bench = _answering(server)
    async with driven(bench) as ui:
        await ui.press("r", "enter")
        await ui.shows("unreachable")
        assert "Software" not in ui.shown
        server.errors.pop("connect")
        await bench.services.fleet.refresh()
        await ui.shows(" Software   fra-prod1, fra-prod2 and fra-prod3: ")
        server.errors["connect"] = connection_messages.refused(Endpoint("10.20.0.11"))
        await bench.services.fleet.refresh()
        await ui.shows("unreachable")
        server.errors.clear()
        await bench.services.fleet.refresh()
        await ui.shows(RUNS)
        assert len(server.software_asked) == 3
