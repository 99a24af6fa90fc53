"""Privileges and built-in roles of each release (Proxmox source: pve-access-control, AccessControl.pm)."""

from functools import cache

from pxm_tui.simulator.releases import Release

VM_USER = frozenset({"VM.Audit", "VM.Backup", "VM.Config.CDROM", "VM.Config.Cloudinit", "VM.Console", "VM.PowerMgmt"})
VM_ADMIN = VM_USER | frozenset(
    {
        "VM.Allocate",
        "VM.Clone",
        "VM.Config.CPU",
        "VM.Config.Disk",
        "VM.Config.HWType",
        "VM.Config.Memory",
        "VM.Config.Network",
        "VM.Config.Options",
        "VM.Migrate",
        "VM.Snapshot",
        "VM.Snapshot.Rollback",
    }
)
AGENT = frozenset(
    {"VM.GuestAgent.Audit", "VM.GuestAgent.FileRead", "VM.GuestAgent.FileWrite", "VM.GuestAgent.FileSystemMgmt"}
)
DATASTORE_ADMIN = frozenset(
    {"Datastore.Allocate", "Datastore.AllocateSpace", "Datastore.AllocateTemplate", "Datastore.Audit"}
)
DATASTORE_USER = frozenset({"Datastore.AllocateSpace", "Datastore.Audit"})
USER_ADMIN = frozenset({"Group.Allocate", "Realm.AllocateUser", "User.Modify"})
SYSTEM_ADMIN = frozenset({"Sys.Audit", "Sys.Console", "Sys.Syslog"})


@cache
def privileges_of_roles(release: Release) -> dict[str, frozenset[str]]:
    """Give the built-in roles of `release` with their privileges."""
    at_least_7, at_least_8, at_least_9 = (release.at_least(major) for major in (7, 8, 9))
    vm_user = VM_USER | AGENT if at_least_9 else VM_USER
    vm_admin = VM_ADMIN | vm_user
    vm_admin |= {"VM.GuestAgent.Unrestricted", "VM.Replicate"} if at_least_9 else {"VM.Monitor"}
    pool_admin = frozenset({"Pool.Allocate", "Pool.Audit"} if at_least_7 else {"Pool.Allocate"})
    sdn_user = frozenset({"SDN.Audit", "SDN.Use"} if at_least_8 else {"SDN.Audit"})
    sdn_admin = sdn_user | {"SDN.Allocate"}
    mapping_user = frozenset({"Mapping.Audit", "Mapping.Use"} if at_least_8 else ())
    delegates = frozenset() if at_least_8 else frozenset({"Permissions.Modify"})
    system_admin = SYSTEM_ADMIN | delegates
    admin = DATASTORE_ADMIN | USER_ADMIN | pool_admin | sdn_admin | mapping_user | system_admin | vm_admin
    everything = admin | {"Permissions.Modify", "Realm.Allocate", "Sys.Modify", "Sys.PowerMgmt"}
    everything |= {"Sys.Incoming"} if at_least_7 else set()
    everything |= {"Mapping.Modify", "Sys.AccessNetwork"} if at_least_8 else set()
    roles = {
        "Administrator": everything,
        "NoAccess": frozenset[str](),
        "PVEAdmin": admin,
        "PVEAuditor": frozenset(privilege for privilege in everything if privilege.endswith(".Audit")),
        "PVEDatastoreAdmin": DATASTORE_ADMIN,
        "PVEDatastoreUser": DATASTORE_USER,
        "PVEPoolAdmin": pool_admin,
        "PVESDNAdmin": sdn_admin,
        "PVESysAdmin": system_admin,
        "PVETemplateUser": frozenset({"VM.Audit", "VM.Clone"}),
        "PVEUserAdmin": USER_ADMIN,
        "PVEVMAdmin": vm_admin,
        "PVEVMUser": vm_user,
    }
    if at_least_7:
        roles["PVEPoolUser"] = frozenset({"Pool.Audit"})
    if at_least_8:
        roles["PVESDNUser"] = sdn_user
        roles["PVEMappingUser"] = mapping_user
        roles["PVEMappingAdmin"] = mapping_user | {"Mapping.Modify"}
    return roles
