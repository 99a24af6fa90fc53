"""Resource pools."""

from pxm_tui.simulator.errors import handler_error, permission_error
from pxm_tui.simulator.inventory import Pool
from pxm_tui.simulator.routes.base import Call, Entry, Route
from pxm_tui.simulator.routes.cluster import storage_entries
from pxm_tui.simulator.routes.guest_rows import guest_entry


def _privilege(call: Call) -> str:
    return "Pool.Audit" if call.release.at_least(7) else "Pool.Allocate"


def list_pools(call: Call) -> list[Entry]:
    """Answer `GET /pools`; with `poolid` (8.1 and later) one pool with its members."""
    wanted = call.text("poolid")
    if wanted is not None:
        call.require(f"/pool/{wanted}", [_privilege(call)])
        return [_with_members(call, find_pool(call, wanted))]
    visible = [pool for pool in call.cluster.pools if call.may(f"/pool/{pool.name}", _privilege(call))]
    return call.shuffled([_described(pool) for pool in visible])


def _described(pool: Pool) -> Entry:
    return {"poolid": pool.name, "comment": pool.comment} if pool.comment else {"poolid": pool.name}


def show_pool(call: Call) -> Entry:
    """Answer `GET /pools/{poolid}`."""
    entry = _with_members(call, find_pool(call, call.place["poolid"]))
    if not call.release.at_least(8):
        del entry["poolid"]
    return entry


def find_pool(call: Call, name: str) -> Pool:
    """Give a pool.

    Raises:
        ApiError: there is none of that name.
    """
    for pool in call.cluster.pools:
        if pool.name == name:
            return pool
    raise handler_error(f"pool '{name}' does not exist")


def _with_members(call: Call, pool: Pool) -> Entry:
    kind = call.text("type")
    paths = set(pool.members)
    members: list[Entry] = []
    if kind != "storage":
        members += [
            guest_entry(call, guest, pool.name)
            for guest in call.cluster.guests
            if f"/vms/{guest.vmid}" in paths
            and kind in {None, guest.kind}
            and call.may(f"/vms/{guest.vmid}", "VM.Audit")
        ]
    if kind in {None, "storage"}:
        members += [entry for entry in storage_entries(call) if f"/storage/{entry['storage']}" in paths]
    return {**_described(pool), "members": call.shuffled(members)}


def create_pool(call: Call) -> None:
    """Answer `POST /pools`."""
    name = call.text("poolid") or ""
    call.require_quorum("create pool failed")
    if any(pool.name == name for pool in call.cluster.pools):
        raise handler_error(f"create pool failed: pool '{name}' already exists")
    call.cluster.pools.append(Pool(name, call.text("comment") or ""))


def change_pool(call: Call) -> None:
    """Answer `PUT /pools/{poolid}` and `PUT /pools`: comment, and members to add or with `delete` to remove."""
    pool = find_pool(call, call.place.get("poolid") or call.text("poolid") or "")
    call.require_quorum("update pools failed")
    if "comment" in call.parameters:
        pool.comment = call.text("comment") or ""
    paths = [f"/vms/{vmid}" for vmid in call.items("vms")]
    paths += [f"/storage/{storage}" for storage in call.items("storage")]
    for path in paths:
        _check_member(call, path)
        if call.number("delete"):
            if path not in pool.members:
                kind, name = path[1:].split("/", 1)
                what = f"VM {name}" if kind == "vms" else f"Storage '{name}'"
                raise handler_error(f"update pools failed: {what} is not a pool member")
            pool.members.remove(path)
        elif path not in pool.members:
            pool.members.append(path)


def _check_member(call: Call, path: str) -> None:
    privilege = "VM.Allocate" if path.startswith("/vms/") else "Datastore.Allocate"
    if not call.may_any(path, privilege, "Permissions.Modify"):
        raise permission_error(f"{path}, {privilege}")


def delete_pool(call: Call) -> None:
    """Answer `DELETE /pools/{poolid}` and `DELETE /pools`: only an empty pool goes."""
    pool = find_pool(call, call.place.get("poolid") or call.text("poolid") or "")
    call.require_quorum("delete pool failed")
    if pool.members:
        raise handler_error(f"delete pool failed: pool '{pool.name}' is not empty")
    call.cluster.pools.remove(pool)


ROUTES = (
    Route("GET", "/pools", list_pools),
    Route("POST", "/pools", create_pool),
    Route("PUT", "/pools", change_pool),
    Route("DELETE", "/pools", delete_pool),
    Route("GET", "/pools/{poolid}", show_pool),
    Route("PUT", "/pools/{poolid}", change_pool),
    Route("DELETE", "/pools/{poolid}", delete_pool),
)
