"""Guests in `GET /cluster/resources`, written as JSON directly: the one list that is long and asked for often.

A row is kept with what it was made from. Until the next round of pvestatd, or until the guest changes, it is
used again. A guest that changes shows it at once here, where the genuine list is up to ten seconds late; its
figures are those of the last round.
"""

import json
from collections.abc import Sequence
from json.encoder import encode_basestring
from typing import NamedTuple, Self

from pxm_tui.simulator.inventory import Guest
from pxm_tui.simulator.metrics import guest_sample, sampled
from pxm_tui.simulator.releases import Release
from pxm_tui.simulator.routes.base import Call, Entry

AUDIT = "VM.Audit"


class Keys(NamedTuple):
    """Which keys a release has besides those that all have."""

    tags: bool
    memhost: bool

    @classmethod
    def of(cls, release: Release) -> Self:
        """Give a release's."""
        return cls(release.at_least(7, 3), release.at_least(9))


AT_REST = '"mem":0,"cpu":0,"disk":0,"uptime":0,"netin":0,"netout":0,"diskread":0,"diskwrite":0'
AT_REST_TODAY = f'"memhost":0,{AT_REST}'


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
    keys, states = Keys.of(call.release), _managed(call)
    return [
        _row(keys, guest, pools.get(guest.vmid), states.get(guest.vmid), moments[guest.node])
        for guest in visible_guests(call)
    ]


def _managed(call: Call) -> dict[int, str]:
    """Give the states of the guests under high availability."""
    return {vmid: resource.manager_state for vmid, resource in call.cluster.ha.items()}


def guest_entry(call: Call, guest: Guest, pool: str | None) -> Entry:
    """Give the row of one guest as data."""
    last = call.cluster.figures_time(call.cluster.nodes[guest.node], call.now)
    resource = call.cluster.ha.get(guest.vmid)
    state = None if resource is None else resource.manager_state
    moment = None if last is None else sampled(last)
    entry: Entry = json.loads(_row(Keys.of(call.release), guest, pool, state, moment))
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


def _row(keys: Keys, guest: Guest, pool: str | None, hastate: str | None, moment: float | None) -> str:
    """Give a guest's row as of a round of pvestatd; None for a guest that nobody has heard of for too long."""
    made_from = (
        keys,
        moment,
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
        return kept[1]
    kind, vmid = guest.kind, guest.vmid
    if moment is None:
        rest = '"status":"unknown"'
    else:
        rest = (
            f'"name":{encode_basestring(guest.name)},"status":"{guest.status}","template":{1 if guest.template else 0},'
            f'"maxcpu":{guest.cores},"maxmem":{guest.memory},"maxdisk":{guest.disk},{_figures(keys, guest, moment)}'
        )
    more = _more(keys, guest, pool, hastate)
    text = f'{{"id":"{kind}/{vmid}","type":"{kind}","vmid":{vmid},"node":"{guest.node}"{more},{rest}}}'
    guest.encoded = (made_from, text)
    return text


def _more(keys: Keys, guest: Guest, pool: str | None, hastate: str | None) -> str:
    """Write what most guests do not have."""
    more = ""
    if guest.tags is not None and keys.tags:
        more = f',"tags":{encode_basestring(guest.tags)}'
    if pool is not None:
        more += f',"pool":{encode_basestring(pool)}'
    if hastate is not None:
        more += f',"hastate":"{hastate}"'
    if guest.lock is not None:
        more += f',"lock":"{guest.lock}"'
    return more


def _figures(keys: Keys, guest: Guest, moment: float) -> str:
    """Write what changes with every round."""
    if guest.started_at is None:
        return AT_REST_TODAY if keys.memhost else AT_REST
    cpu, memory, disk, uptime, received, sent, read, written = guest_sample(guest, moment)
    memhost = (f',"memhost":{memory}' if guest.kind == "qemu" else ',"memhost":0') if keys.memhost else ""
    return (
        f'"mem":{memory}{memhost},"cpu":{cpu:.9f},"disk":{disk},"uptime":{uptime},'
        f'"netin":{received},"netout":{sent},"diskread":{read},"diskwrite":{written}'
    )
