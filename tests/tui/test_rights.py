"""What a login may, on the screen of its cluster: badges, the note above the nodes, the dialog with the commands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pxm_tui.domain.cluster import Cluster, Login, LoginMethod, Reason, Status
from pxm_tui.domain.observation import Permissions, limits_of
from pxm_tui.domain.tokens import operator_privileges
from pxm_tui.tui.options import UiOptions
from tests.fakes import EVERYTHING, HOSTILE_NAME, TOP_PATHS, Bench, cluster, make_bench, observation
from tests.tui.driving import Driven, driven

AUDITOR = frozenset({"Sys.Audit", "VM.Audit", "Datastore.Audit", "Pool.Audit", "SDN.Audit", "VM.GuestAgent.Audit"})
PROD = cluster("fra-prod-1")


def everywhere(privileges: frozenset[str]) -> Permissions:
    return dict.fromkeys(TOP_PATHS, privileges)


def bench_of(permissions: Permissions, which: Cluster = PROD) -> Bench:
    """A cluster whose login holds these."""
    from pxm_tui.domain.observation import Snapshot
    from pxm_tui.domain.rights import rights_in_words

    rights = rights_in_words(permissions, which.login.name, which.proxmox_version)
    snapshot = Snapshot(which.id, rights=rights, permissions=permissions, nodes=observation().nodes)
    bench = make_bench([which], snapshots={which.id: snapshot})
    bench.services.fleet.load()
    return bench


async def opened(ui: Driven) -> None:
    await ui.press("enter")
    await ui.shows("Clusters › fra-prod-1")


async def test_badges_at_80() -> None:
    async with driven(bench_of(everywhere(AUDITOR))) as ui:
        await opened(ui)
        assert ui.lines[5] == " Rights (p) sees ✔ nodes  ✔ quorum  ✔ guests  ✔ storage  ✔ tasks  ✔ pools"
        assert ui.lines[6] == "            may  – power  – snapshots  – console  – migrate  – backup"


async def test_badges_at_160() -> None:
    async with driven(bench_of(everywhere(AUDITOR)), size=(160, 45)) as ui:
        await opened(ui)
        assert "✔ pools  – log  – node logs  ✔ agent  – backups  – disks  – updates" in ui.lines[5]
        assert ui.lines[6].endswith("– create  – node power  – node shell  – users  – permissions")


async def test_badges_in_ascii() -> None:
    async with driven(bench_of(everywhere(AUDITOR)), options=UiOptions(ascii=True)) as ui:
        await ui.press("enter")
        await ui.shows("Clusters > fra-prod-1")
        assert ui.lines[5].endswith("sees + nodes  + quorum  + guests  + storage  + tasks  + pools")
        assert ui.lines[6].endswith("may  - power  - snapshots  - console  - migrate  - backup")


async def test_what_is_allowed_on_some_objects_only_says_so() -> None:
    permissions = {**everywhere(frozenset({"Sys.Audit"})), "/vms/100": frozenset({"VM.Audit"})}
    async with driven(bench_of(permissions)) as ui:
        await opened(ui)
        assert "✔ nodes  ✔ quorum  ! guests  – storage" in ui.shown


async def test_who_may_everything_needs_no_badges() -> None:
    async with driven(bench_of(everywhere(EVERYTHING))) as ui:
        await opened(ui)
        assert " Rights     sees and may do everything (monitor@pve!pxm)" in ui.lines


@pytest.mark.parametrize(
    ("lacking", "words"),
    [
        (("/nodes",), "without figures: Sys.Audit on /nodes is missing (p)"),
        (("/",), "without addresses: Sys.Audit on / is missing (p)"),
        (("/", "/nodes"), "no figures or addresses without Sys.Audit on /nodes and / (p)"),
    ],
)
async def test_nodes_without_figures_or_addresses_say_which_privilege_is_missing(
    lacking: tuple[str, ...], words: str
) -> None:
    permissions = {**everywhere(AUDITOR), **dict.fromkeys(lacking, frozenset({"VM.Audit"}))}
    async with driven(bench_of(permissions)) as ui:
        await opened(ui)
        assert f"─ Nodes 3, {words} ─" in ui.shown


async def test_some_nodes_without_figures_say_so() -> None:
    permissions = {
        **everywhere(AUDITOR),
        "/nodes": frozenset(),
        "/nodes/fra-prod1": frozenset({"Sys.Audit"}),
    }
    async with driven(bench_of(permissions)) as ui:
        await opened(ui)
        assert "─ Nodes 3, some without figures: Sys.Audit on /nodes is missing (p) ─" in ui.shown


async def test_nodes_with_figures_say_nothing() -> None:
    async with driven(bench_of(everywhere(AUDITOR))) as ui:
        await opened(ui)
        assert "─ Nodes 3 ─" in ui.shown


async def test_the_dialog_names_what_is_missing_and_the_commands() -> None:
    permissions = everywhere(frozenset({"Sys.Audit", "VM.Audit"}))
    async with driven(bench_of(permissions), size=(160, 60)) as ui:
        await opened(ui)
        await ui.press("p")
        await ui.shows("┌ Rights on fra-prod-1")
        assert "Sees     nodes, quorum, guests, tasks" in ui.shown
        assert "May      nothing" in ui.shown
        assert "– storage      Datastore.Audit on /storage" in ui.shown
        assert "– updates      Sys.Modify on /nodes, which pxm never asks for;" in ui.shown
        await ui.press("ctrl+y")
        commands = ui.app.clipboard.split("\n")
        assert commands[:2] == [
            "# To see nodes, guests, storage, tasks",
            "pveum acl modify / --roles PVEAuditor --tokens 'monitor@pve!pxm'",
        ]
        assert f'pveum role add PxmOperator-1 --privs "{",".join(sorted(operator_privileges("9.2")))}"' in commands
        assert "# To run guests and see their backups" in commands
        assert not [line for line in commands if "Sys.Modify" in line or "Permissions.Modify" in line]
        assert "'monitor@pve'." in ui.shown
        await ui.press("enter")
        await ui.until(lambda: "Rights on" not in ui.shown)


async def test_the_dialog_scrolls_at_80x24() -> None:
    async with driven(bench_of(everywhere(frozenset({"Sys.Audit"})))) as ui:
        await opened(ui)
        await ui.press("p")
        await ui.shows("Rights on fra-prod-1")
        await ui.press("pagedown", "pagedown", "pagedown", "pagedown", "pagedown")
        await ui.shows("[ Close ]")


async def test_the_dialog_of_a_password_login() -> None:
    which = replace(PROD, login=Login(LoginMethod.PASSWORD, "anna@pam"))
    async with driven(bench_of(everywhere(frozenset({"Sys.Audit"})), which), size=(160, 60)) as ui:
        await ui.burst(":rights\r")
        await ui.shows("--roles PVEAuditor --users 'anna@pam'")
        assert "its owner" not in ui.shown


async def test_the_dialog_of_who_may_everything() -> None:
    async with driven(bench_of(everywhere(EVERYTHING))) as ui:
        await ui.burst(":rights\r")
        await ui.shows("It sees and may do everything.")
        assert "pveum" not in ui.shown


async def test_the_dialog_before_anything_was_read() -> None:
    async with driven(bench_of({})) as ui:
        await ui.burst(":rights fra-prod-1\r")
        await ui.shows("have not been read yet")


@pytest.mark.parametrize("size", [(44, 20), (80, 24), (160, 45)])
async def test_a_hostile_name_and_hostile_paths_are_text(size: tuple[int, int]) -> None:
    which = cluster(HOSTILE_NAME)
    permissions = {"/": frozenset({"[red]x\x1b[31m"}), "/vms/[@click=app.quit]\n": frozenset({"VM.Audit"})}
    async with driven(bench_of(permissions, which), size=size) as ui:
        await ui.press("enter", "p")
        await ui.shows("Rights on")
        assert "\x1b" not in ui.shown
        assert ui.app.is_running


HIDDEN = [
    ("/", "Sys.Audit", "3/3 nodes, quorum ?", "quorum (Sys.Audit on /)"),
    ("/nodes", "Sys.Audit", "3/3 nodes, quorate", "nodes' figures (Sys.Audit on /nodes)"),
    ("/vms", "VM.Audit", "? guests", "guests (VM.Audit on /vms)"),
    ("/storage", "Datastore.Audit", "3/3 nodes, quorate", "storage (Datastore.Audit on /storage)"),
]


@pytest.mark.parametrize(("path", "privilege", "figure", "words"), HIDDEN)
@pytest.mark.parametrize("broken", [False, True])
async def test_every_figure_that_may_not_be_seen_says_which_privilege_is_missing_and_what_grants_it(
    path: str, privilege: str, figure: str, words: str, broken: bool
) -> None:
    """Also below an explanation on a small screen, where other facts give way."""
    permissions = {**everywhere(AUDITOR), path: AUDITOR - {privilege}}
    which = replace(
        PROD,
        limits=limits_of(permissions),
        quorate=None if path == "/" else True,
        guests_total=None if path == "/vms" else 12,
    )
    if broken:
        error = Reason("node_offline", "pve3 offline", "Node pve3 is offline; the other 2 of 3 answer.")
        which = replace(which, status=Status.DEGRADED, error=error)
    async with driven(bench_of(permissions, which)) as ui:
        if not broken or path == "/vms":
            assert words in " ".join(ui.shown.split())
        await opened(ui)
        shown = " ".join(ui.shown.split())
        assert figure in shown
        assert f"Not seen {words}. On a node: pveum acl modify / --roles PVEAuditor --tokens 'monitor@pve!pxm'" in shown
        await ui.press("p")
        await ui.shows("Rights on fra-prod-1")
        await ui.press("ctrl+y")
        assert "--roles PVEAuditor --tokens 'monitor@pve!pxm'" in ui.app.clipboard


async def test_who_sees_everything_has_no_such_line() -> None:
    async with driven(bench_of(everywhere(AUDITOR))) as ui:
        await opened(ui)
        assert "Not seen" not in ui.shown
