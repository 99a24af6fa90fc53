"""Access control: roles by release, inheritance, groups, pools, tokens."""

import pytest

from pxm_tui.simulator.accounts import Accounts, Token, User
from pxm_tui.simulator.permissions import Permissions
from pxm_tui.simulator.releases import RELEASES
from pxm_tui.simulator.roles import privileges_of_roles

POOLS = {"prod": ["/vms/100"]}


def make(*entries: tuple[str, str, str, bool], release: str = "9.2") -> Permissions:
    """Make permissions of users u@pve (in group ops) and its tokens sep and full."""
    accounts = Accounts()
    user = User("u@pve", groups={"ops"})
    user.tokens["sep"] = Token("sep", "s", privsep=True)
    user.tokens["full"] = Token("full", "s", privsep=False)
    root = User("root@pam")
    root.tokens["sep"] = Token("sep", "s", privsep=True)
    accounts.users = {"u@pve": user, "root@pam": root}
    for path, subject, role, propagate in entries:
        kind = "token" if "!" in subject else "user" if "@" in subject else "group"
        accounts.grant(path, kind, subject, role, propagate=propagate)
    return Permissions(accounts, RELEASES[release], POOLS)


@pytest.mark.parametrize(("release", "count"), [("6.4", 35), ("8.4", 42), ("9.2", 47)])
def test_privileges_of_administrators(release: str, count: int) -> None:
    assert len(make(release=release).effective("root@pam", "/")) == count


def test_root_may_everything_everywhere() -> None:
    assert make().holds("root@pam", "/vms/100", ["VM.PowerMgmt", "Permissions.Modify"])


def test_roles_of_the_releases() -> None:
    auditor = {name: sorted(privileges_of_roles(RELEASES[name])["PVEAuditor"]) for name in RELEASES}
    assert auditor["6.4"] == ["Datastore.Audit", "SDN.Audit", "Sys.Audit", "VM.Audit"]
    assert auditor["7.4"] == ["Datastore.Audit", "Pool.Audit", "SDN.Audit", "Sys.Audit", "VM.Audit"]
    assert auditor["8.4"] == sorted([*auditor["7.4"], "Mapping.Audit"])
    assert auditor["9.2"] == sorted([*auditor["8.4"], "VM.GuestAgent.Audit"])
    assert "VM.Monitor" in privileges_of_roles(RELEASES["8.4"])["PVEVMAdmin"]
    assert "VM.Monitor" not in privileges_of_roles(RELEASES["9.2"])["Administrator"]
    assert "Permissions.Modify" in privileges_of_roles(RELEASES["7.4"])["PVEAdmin"]
    assert "Permissions.Modify" not in privileges_of_roles(RELEASES["8.4"])["PVEAdmin"]


def test_no_entry_no_rights() -> None:
    assert make().effective("u@pve", "/") == {}
    assert make().listed("u@pve") == {}


def test_inheritance() -> None:
    permissions = make(("/", "u@pve", "PVEAuditor", True))
    assert permissions.effective("u@pve", "/vms/100")["VM.Audit"] == 1
    permissions = make(("/vms", "u@pve", "PVEAuditor", False))
    assert permissions.effective("u@pve", "/vms")["VM.Audit"] == 0
    assert permissions.effective("u@pve", "/vms/100") == {}


def test_the_deepest_entry_replaces_what_is_inherited() -> None:
    permissions = make(("/", "u@pve", "PVEAuditor", True), ("/vms", "u@pve", "PVEVMUser", True))
    assert not permissions.holds("u@pve", "/vms/101", ["Sys.Audit"])
    assert permissions.holds("u@pve", "/vms/101", ["VM.PowerMgmt"])
    assert permissions.holds("u@pve", "/nodes/pve1", ["Sys.Audit"])


def test_no_access_cancels() -> None:
    permissions = make(("/", "u@pve", "PVEAuditor", True), ("/vms/101", "u@pve", "NoAccess", True))
    assert permissions.effective("u@pve", "/vms/101") == {}


def test_groups_come_after_the_user_itself() -> None:
    permissions = make(("/", "ops", "PVEAuditor", True))
    assert permissions.holds("u@pve", "/", ["Sys.Audit"])
    permissions = make(("/", "ops", "PVEAuditor", True), ("/", "u@pve", "PVEVMUser", True))
    assert not permissions.holds("u@pve", "/", ["Sys.Audit"])


def test_pools_add_rights_to_their_members() -> None:
    permissions = make(("/pool/prod", "u@pve", "PVEVMUser", True))
    assert permissions.holds("u@pve", "/vms/100", ["VM.PowerMgmt"])
    assert not permissions.holds("u@pve", "/vms/101", ["VM.PowerMgmt"])


def test_separated_tokens_hold_what_both_hold() -> None:
    entries = (("/", "u@pve", "PVEAuditor", True), ("/vms", "u@pve!sep", "PVEVMUser", True))
    permissions = make(*entries)
    assert permissions.effective("u@pve!sep", "/vms/101") == {"VM.Audit": 1, "VM.GuestAgent.Audit": 1}
    assert permissions.effective("u@pve!sep", "/") == {}
    assert permissions.effective("u@pve!full", "/") == permissions.effective("u@pve", "/")
    assert permissions.effective("root@pam!sep", "/") == {}


def test_listed_paths() -> None:
    listed = make(release="6.4").listed("root@pam")
    assert sorted(listed) == ["/", "/access", "/access/groups", "/nodes", "/pools", "/storage", "/vms", "/vms/100"]
    listed = make(("/vms/7", "u@pve", "PVEVMUser", True)).listed("root@pam")
    assert {"/pool", "/sdn", "/vms/7"} < set(listed)


def test_capabilities() -> None:
    permissions = make(("/", "u@pve", "PVEAuditor", True))
    assert permissions.capabilities("u@pve") == {
        "access": {},
        "storage": {"Datastore.Audit": 1},
        "nodes": {"Sys.Audit": 1},
        "sdn": {"SDN.Audit": 1},
        "dc": {"SDN.Audit": 1, "Sys.Audit": 1},
        "vms": {"VM.GuestAgent.Audit": 1, "VM.Audit": 1},
        "mapping": {"Mapping.Audit": 1},
    }
    assert "mapping" not in make(release="7.4").capabilities("root@pam")
    assert make(release="6.4").capabilities("root@pam")["sdn"] == {
        "SDN.Audit": 1,
        "SDN.Allocate": 1,
        "Permissions.Modify": 1,
    }
