"""What a login can see and do, by privilege, path and release (facts: API.md 2.6, "What each feature needs")."""

from __future__ import annotations

import pytest

from pxm_tui.domain import capabilities
from pxm_tui.domain.capabilities import (
    DOES,
    NEVER_ASKED_FOR,
    RUNNING,
    SEES,
    Action,
    Extent,
    can,
    commands,
    grant_lines,
    held,
)
from pxm_tui.domain.cluster import Limit, Login, LoginMethod
from pxm_tui.domain.observation import Permissions
from pxm_tui.domain.rights import may_everything, rights_in_words
from pxm_tui.domain.tokens import operator_privileges
from pxm_tui.simulator.releases import RELEASES, Release
from pxm_tui.simulator.roles import privileges_of_roles

TOKEN = Login(LoginMethod.TOKEN, "monitor@pve", "monitor@pve!pxm")
PASSWORD = Login(LoginMethod.PASSWORD, "anna@pam")
TOP = ("/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms")
ALL = tuple(found for found in vars(capabilities).values() if isinstance(found, Action))


def on(path: str, *privileges: str) -> Permissions:
    return {path: frozenset(privileges)}


def everywhere(privileges: frozenset[str]) -> Permissions:
    return dict.fromkeys(TOP, privileges)


TABLE = [
    ("see_nodes", "9.2", {"/nodes": "Sys.Audit"}),
    ("see_cluster", "9.2", {"/": "Sys.Audit"}),
    ("see_guests", "9.2", {"/vms": "VM.Audit"}),
    ("see_storage", "9.2", {"/storage": "Datastore.Audit"}),
    ("see_storage", "9.2", {"/storage": "Datastore.AllocateSpace"}),
    ("see_tasks", "9.2", {"/": "Sys.Audit"}),
    ("see_log", "9.2", {"/": "Sys.Syslog"}),
    ("see_node_log", "9.2", {"/nodes": "Sys.Syslog"}),
    ("see_pools", "9.2", {"/pool": "Pool.Audit"}),
    ("see_pools", "7.4-16", {"/pool": "Pool.Audit"}),
    ("see_pools", "6.4-15", {"/pool": "Pool.Allocate"}),
    ("see_agent", "8.4.5", {"/vms": "VM.Monitor"}),
    ("see_agent", "9.0.3", {"/vms": "VM.GuestAgent.Audit"}),
    ("see_agent", "9.0.3", {"/vms": "VM.GuestAgent.Unrestricted"}),
    ("see_backups", "9.2", {"/storage": "Datastore.Allocate"}),
    ("see_backups", "9.2", {"/storage": "Datastore.AllocateSpace", "/vms": "VM.Backup"}),
    ("see_disks", "9.2", {"/storage": "Datastore.Audit", "/vms": "VM.Config.Disk"}),
    ("see_versions", "9.2", {"/nodes": "Sys.Audit"}),
    ("see_updates", "9.2", {"/nodes": "Sys.Modify"}),
    ("power", "9.2", {"/vms": "VM.PowerMgmt"}),
    ("hibernate", "9.2", {"/vms": "VM.PowerMgmt VM.Config.Disk", "/storage": "Datastore.AllocateSpace"}),
    ("snapshot", "9.2", {"/vms": "VM.Snapshot"}),
    ("rollback", "9.2", {"/vms": "VM.Snapshot"}),
    ("rollback", "9.2", {"/vms": "VM.Snapshot.Rollback"}),
    ("rollback_and_start", "8.4", {"/vms": "VM.Snapshot.Rollback"}),
    ("rollback_and_start", "9.2", {"/vms": "VM.Snapshot.Rollback VM.PowerMgmt"}),
    ("console", "9.2", {"/vms": "VM.Console"}),
    ("shell", "9.2", {"/nodes": "Sys.Console"}),
    ("migrate", "9.2", {"/vms": "VM.Migrate"}),
    ("migrate_to_storage", "7.4", {"/vms": "VM.Migrate", "/storage": "Datastore.AllocateSpace"}),
    ("migrate_to_storage", "9.2", {"/vms": "VM.Migrate VM.Config.Disk", "/storage": "Datastore.AllocateSpace"}),
    ("backup", "9.2", {"/vms": "VM.Backup", "/storage": "Datastore.AllocateSpace"}),
    ("configure", "9.2", {"/vms": "VM.Config.Memory"}),
    ("clone", "7.4", {"/vms": "VM.Clone VM.Allocate", "/storage": "Datastore.AllocateSpace"}),
    ("clone", "9.2", {"/vms": "VM.Clone VM.Allocate", "/storage": "Datastore.AllocateSpace", "/sdn": "SDN.Use"}),
    ("create", "9.2", {"/vms": "VM.Allocate", "/storage": "Datastore.AllocateSpace"}),
    ("stop_task", "9.2", {"/nodes": "Sys.Modify"}),
    ("node_power", "9.2", {"/nodes": "Sys.PowerMgmt"}),
    ("users", "9.2", {"/access/groups": "User.Modify"}),
    ("permissions", "9.2", {"/": "Permissions.Modify"}),
]


@pytest.mark.parametrize(("name", "version", "needed"), TABLE)
def test_exactly_these_privileges_are_needed(name: str, version: str, needed: dict[str, str]) -> None:
    action = next(one for one in ALL if one.name == name)
    permissions = {path: frozenset(words.split()) for path, words in needed.items()}
    assert can(action, permissions, version=version).extent is Extent.ALL
    for path, held_there in permissions.items():
        for privilege in held_there:
            without = permissions | {path: held_there - {privilege}}
            found = can(action, without, version=version)
            assert not found.allowed
            assert found.missing


def test_every_action_is_in_the_table() -> None:
    assert {action.name for action in ALL} == {name for name, _, _ in TABLE}
    assert {*SEES, *DOES} <= set(ALL)


def test_what_is_missing_is_named_with_its_path() -> None:
    found = can(capabilities.BACKUP, on("/vms", "VM.Backup"))
    assert found.missing == (Limit("Datastore.AllocateSpace", "/storage"),)
    assert found.why_not() == "Datastore.AllocateSpace on /storage"
    assert can(capabilities.BACKUP, {}).why_not() == "VM.Backup on /vms and Datastore.AllocateSpace on /storage"
    assert can(capabilities.BACKUP, on("/vms", "VM.Backup"), "/vms/100", "/storage/local").missing == (
        Limit("Datastore.AllocateSpace", "/storage/local"),
    )


def test_of_several_ways_the_nearest_is_asked_for() -> None:
    found = can(capabilities.SEE_BACKUPS, on("/vms", "VM.Backup"))
    assert found.missing == (Limit("Datastore.AllocateSpace", "/storage"),)


def test_one_guest() -> None:
    power = capabilities.POWER
    some = on("/vms/100", "VM.PowerMgmt")
    assert can(power, some, "/vms/100").extent is Extent.ALL
    assert not can(power, some, "/vms/101").allowed
    assert can(power, some, "/vms/101").missing == (Limit("VM.PowerMgmt", "/vms/101"),)
    assert can(power, some).extent is Extent.SOME
    assert can(power, on("/vms", "VM.PowerMgmt"), "/vms/100").extent is Extent.ALL


def test_a_deeper_entry_replaces_what_is_inherited() -> None:
    permissions = {**on("/vms", "VM.PowerMgmt"), **on("/vms/100", "VM.Audit")}
    assert not can(capabilities.POWER, permissions, "/vms/100").allowed
    assert can(capabilities.POWER, permissions, "/vms/101").allowed


def test_the_root_alone_says_nothing_of_guests() -> None:
    assert held(on("/", "VM.Audit"), "/vms/100") == frozenset(), "the server would have listed /vms"
    assert held(on("/access", "User.Modify"), "/access/groups") == {"User.Modify"}


def test_before_8_a_shell_takes_the_realm_pam() -> None:
    permissions = on("/nodes", "Sys.Console")
    found = can(capabilities.SHELL, permissions, version="7.4-16", user="monitor@pve")
    assert not found.allowed
    assert found.why_not() == "before Proxmox VE 8 only logins of the realm pam may"
    assert can(capabilities.SHELL, permissions, version="7.4-16", user="root@pam").allowed
    assert can(capabilities.SHELL, permissions, version="8.0.4", user="monitor@pve").allowed


@pytest.mark.parametrize("release", RELEASES.values(), ids=lambda release: release.name)
def test_the_lines_name_a_role_that_has_the_privilege(release: Release) -> None:
    version = release.version
    roles = privileges_of_roles(release)
    wanted = dict.fromkeys(
        limit.privilege for action in ALL for limit in can(action, {}, version=version, user="root@pam").missing
    )
    for privilege in wanted:
        lines = grant_lines((Limit(privilege, "/vms"),), TOKEN)
        if privilege in NEVER_ASKED_FOR:
            assert lines == ()
            continue
        role = lines[-1].split("--roles ")[1].split()[0]
        made = next(({line.split("--privs ")[1]} for line in lines[:-1]), None)
        assert privilege in (made if made is not None else roles[role])
        assert lines[-1].endswith("--tokens 'monitor@pve!pxm'")
        if made is not None:
            assert set(made) <= roles["Administrator"], "no privilege that this release does not know"


def test_lines_of_one_role_are_one_line() -> None:
    missing = (Limit("VM.Audit", "/vms"), Limit("Datastore.Audit", "/storage"))
    assert grant_lines(missing, PASSWORD) == ("pveum acl modify / --roles PVEAuditor --users 'anna@pam'",)
    assert grant_lines(missing[:1], TOKEN) == ("pveum acl modify /vms --roles PVEAuditor --tokens 'monitor@pve!pxm'",)


def commands_of(permissions: Permissions, version: str = "9.2") -> dict[str, tuple[str, ...]]:
    found = {action: can(action, permissions, version=version, user="root@pam") for action in ALL}
    return dict(commands(found, TOKEN, version))


def test_running_guests_takes_our_own_role() -> None:
    make, give = commands_of({})[RUNNING]
    assert make == f'pveum role add PxmOperator-1 --privs "{",".join(sorted(operator_privileges("9.2")))}"'
    assert give == "pveum acl modify / --roles PxmOperator-1 --tokens 'monitor@pve!pxm'"
    assert "VM.Monitor" in commands_of({}, "8.4")[RUNNING][0]


def test_seeing_takes_the_auditor_and_nothing_else() -> None:
    auditor = ("pveum acl modify / --roles PVEAuditor --tokens 'monitor@pve!pxm'",)
    assert commands_of({})["To see nodes, guests, storage, tasks"] == auditor
    assert commands_of({})["To read logs"] == (
        "pveum role add Pxm-Sys-Syslog --privs Sys.Syslog",
        "pveum acl modify / --roles Pxm-Sys-Syslog --tokens 'monitor@pve!pxm'",
    )


@pytest.mark.parametrize("release", RELEASES.values(), ids=lambda release: release.name)
def test_who_was_given_all_of_it_may_all_of_it(release: Release) -> None:
    given = privileges_of_roles(release)["Administrator"] - NEVER_ASKED_FOR
    assert commands_of(everywhere(given), release.version) == {}


def test_nothing_that_is_never_asked_for_is_in_a_command() -> None:
    lines = " ".join(line for lines in commands_of({}).values() for line in lines)
    assert not [privilege for privilege in NEVER_ASKED_FOR if privilege in lines]


def test_in_words() -> None:
    roles = privileges_of_roles(RELEASES["9.2"])
    assert rights_in_words(everywhere(roles["PVEAuditor"]), "x") == (
        "sees nodes, guests, storage, tasks; may not act (PVEAuditor)"
    )
    assert rights_in_words(everywhere(roles["Administrator"]), "root@pam") == "sees and may do everything (root@pam)"
    assert may_everything(everywhere(roles["Administrator"]))
    assert not may_everything(everywhere(roles["PVEAdmin"]))
    operator = roles["PVEAuditor"] | operator_privileges("9.2")
    assert rights_in_words(everywhere(operator), "x") == (
        "sees nodes, guests, storage, tasks; may act (power, snapshots, console, migrate, backup)"
    )
    assert rights_in_words(on("/nodes", "Sys.Audit"), "x") == (
        "sees nodes; not guests (VM.Audit), not storage (Datastore.Audit)"
    )
    assert rights_in_words(on("/vms/100", "VM.Audit"), "x").startswith("sees some guests; not nodes (Sys.Audit)")
    assert rights_in_words({}, "x").startswith("sees nothing but names")
