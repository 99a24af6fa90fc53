"""Guests in `GET /cluster/resources`, written as JSON directly: the one list that is long and asked for often.

A row is kept with what it was made from. Until the next round of pvestatd, or until the guest changes, it is
used again. A guest that changes shows it at once here, where the genuine list is up to ten seconds late; its
figures are those of the last round.
"""

import json
from collections.abc import Sequence
from json.encoder import encode_basestring

from pxm_tui.simulator.inventory import Guest
from pxm_tui.simulator.metrics import guest_disk, guest_memory, guest_progress, mean_rate, sampled
from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.routes.base import Call, Entry

AUDIT = "VM.Audit"


def visible_guests(call: Call) -> Sequence[Guest]:
    """Go through the guests that who asks may audit.

    Guests that no access control entry and no pool names are all alike, and tested once.
    """
    special = {entry.path for entry in call.accounts.access} | {
        path for pool in call.cluster.pools for path in pool.members
    }
    numbers = {int(path[5:]) for path in special if path.startswith("/vms/") and path[5:].isdigit()}
    others = call.may("/vms/0", AUDIT)
    if not numbers:
        return call.cluster.guests if others else []
    return [
        guest
        for guest in call.cluster.guests
        if (call.may(f"/vms/{guest.vmid}", AUDIT) if guest.vmid in numbers else others)
    ]


def guest_rows(call: Call) -> list[str]:
    """Write the rows of all guests that who asks may audit."""
    pools = visible_pools(call)
    moments = {
        name: None if (last := call.cluster.figures_time(node, call.now)) is None else sampled(last)
        for name, node in call.cluster.nodes.items()
    }
    release, states = call.release, {vmid: resource.state for vmid, resource in call.cluster.ha.items()}
    return [
        _row(release, guest, pools.get(guest.vmid), states.get(guest.vmid), moments[guest.node])
        for guest in visible_guests(call)
    ]


def guest_entry(call: Call, guest: Guest, pool: str | None) -> Entry:
    """Give the row of one guest as data."""
    last = call.cluster.figures_time(call.cluster.nodes[guest.node], call.now)
    resource = call.cluster.ha.get(guest.vmid)
    state = None if resource is None else resource.state
    entry: Entry = json.loads(_row(call.release, guest, pool, state, None if last is None else sampled(last)))
    return entry


def visible_pools(call: Call) -> dict[int, str]:
    """Give the pool of each guest that is in one, as far as who asks may see pools."""
    privilege = "Pool.Audit" if call.release.at_least(7) else "Pool.Allocate"
    return {
        int(path[5:]): pool.name
        for pool in call.cluster.pools
        if call.may(f"/pool/{pool.name}", privilege)
        for path in pool.members
        if path.startswith("/vms/")
    }


def _row(release: Release, guest: Guest, pool: str | None, hastate: str | None, moment: float | None) -> str:
    """Give a guest's row as of a round of pvestatd; None for a guest that nobody has heard of for too long."""
    made_from = (
        release.number,
        pool,
        hastate,
        guest.node,
        guest.name,
        guest.status,
        guest.started_at,
        guest.quiet_since,
        guest.missed,
        guest.template,
        guest.lock,
        guest.tags,
        guest.cores,
        guest.memory,
        guest.disk,
    )
    kept = guest.encoded
    if kept is not None and kept[0] == made_from:
        _, known, then, text = kept
        if then == moment:
            return text
    else:
        known = _known(guest, _more(release, guest, pool, hastate))
    if moment is None:
        text = f'{_head(guest, _more(release, guest, pool, hastate))},"status":"unknown"}}'
    else:
        text = f"{known},{_figures(release, guest, moment)}}}"
    guest.encoded = (made_from, known, moment, text)
    return text


def _more(release: Release, guest: Guest, pool: str | None, hastate: str | None) -> str:
    """Write what most guests do not have."""
    more = ""
    if pool is not None:
        more = f',"pool":{encode_basestring(pool)}'
    if hastate is not None:
        more += f',"hastate":"{hastate}"'
    if guest.lock is not None:
        more += f',"lock":"{guest.lock}"'
    if guest.tags is not None and release.number >= (7, 3):
        more += f',"tags":{encode_basestring(guest.tags)}'
    return more


def _head(guest: Guest, more: str) -> str:
    """Write all that is told of a guest of which nobody has heard for too long."""
    kind, vmid = guest.kind, guest.vmid
    return f'{{"id":"{kind}/{vmid}","type":"{kind}","vmid":{vmid},"node":"{guest.node}"{more}'


def _known(guest: Guest, more: str) -> str:
    """Write what changes rarely."""
    return (
        f'{_head(guest, more)},"name":{encode_basestring(guest.name)},"status":"{guest.status}",'
        f'"template":{int(guest.template)},"maxcpu":{guest.cores},"maxmem":{guest.memory},"maxdisk":{guest.disk}'
    )


def _figures(release: Release, guest: Guest, moment: float) -> str:
    """Write what changes with every round."""
    modern = release.number >= (9, 0)
    if guest.started_at is None:
        memhost = ',"memhost":0' if modern else ""
        return f'"mem":0{memhost},"cpu":0,"disk":0,"uptime":0,"netin":0,"netout":0,"diskread":0,"diskwrite":0'
    cpu, done = guest_progress(guest, moment)
    memory, rate, work = guest_memory(guest, moment), mean_rate(guest), int(done)
    machine = guest.kind == "qemu"
    memhost = (f',"memhost":{memory}' if machine else ',"memhost":0') if modern else ""
    uptime = int(moment - guest.started_at) if moment > guest.started_at else 0
    return (
        f'"mem":{memory}{memhost},"cpu":{cpu:.9f},"disk":{0 if machine else guest_disk(guest)},"uptime":{uptime},'
        f'"netin":{rate * work},"netout":{rate // 2 * work},'
        f'"diskread":{rate // 3 * work},"diskwrite":{rate // 4 * work}'
    )
