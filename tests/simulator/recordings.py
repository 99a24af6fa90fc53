"""What tests need to hold the simulator against answers of genuine Proxmox code.

The recordings lie beside the repository, not in it; without them the tests that use these helpers are skipped.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pxm_tui.simulator.accounts import Token, User
from pxm_tui.simulator.clock import ManualClock
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.guest_details import details_of
from pxm_tui.simulator.inventory import GIB, Guest, Pool
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from tests.fleet_fixtures import FleetFactory

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "proxmox"
RECORDINGS = SHARED / "exchanges"
ANSWERS = SHARED / "answers"
RELEASES = ("9.2", "8.4", "6.4")
NODES = {"9.2": ("pve1", "pve2"), "8.4": ("pve84",), "6.4": ("pve64",)}
NOW = 1_795_386_306.0


async def _instantly(_seconds: float) -> None:
    """Let no time pass."""


def prepare(fresh_fleet: FleetFactory, release: str) -> tuple[ManualClock, SimulatedCluster]:
    """Start a cluster with the nodes, guests and accounts of the recordings."""
    clock = ManualClock(NOW)
    names = NODES[release]
    options = ClusterOptions(
        "testpve" if len(names) > 1 else names[0],
        release,
        nodes=len(names),
        guests=0,
        standalone=len(names) == 1,
        node_names=names,
        password="testpve-root-1",
    )
    fleet = FleetOptions(auth_delay=0, clock=clock, sleep=_instantly, cluster_options=(options,))
    cluster = fresh_fleet(options=fleet).clusters[0]
    cluster.state.guests = recorded_guests(release)
    cluster.state.pools = [Pool("prod", "production")]
    accounts = cluster.state.accounts
    admin = accounts.users["admin@pve"]
    admin.firstname, admin.lastname, admin.email = "Ada", "Min", "admin@example.test"
    admin.groups.add("ops")
    accounts.users["operator@pve"].groups.clear()
    del accounts.groups["guests"]
    accounts.users["totp@pve"].password = "totp-pve-1"
    accounts.users["totp@pve"].comment = "has TOTP and recovery keys"
    accounts.users["vmop@pve"] = User("vmop@pve", password="vmop-pve-1")
    accounts.grant("/vms/100", "user", "vmop@pve", "PVEVMUser")
    cluster.revoke("totp@pve")
    accounts.grant("/", "user", "totp@pve", "PVEAuditor")
    accounts.grant("/", "token", "admin@pve!sep", "PVEAuditor")
    return clock, cluster


def recorded_guests(release: str) -> list[Guest]:
    """Make the guests of the recordings."""
    home, away = NODES[release][0], NODES[release][-1]
    kinds = {"qemu": ("web01", "tmpl-debian12", "db01", "remote01"), "lxc": ("ct-dns", "remote-ct")}
    numbers = dict(zip(("web01", "tmpl-debian12", "db01", "remote01"), (100, 101, 102, 300), strict=True))
    numbers |= {"ct-dns": 200, "remote-ct": 301}
    guests = {
        name: Guest(kind, numbers[name], name, home, "stopped", 2, GIB, 4 * GIB, phase=0.5, load=0.1)
        for kind, names in kinds.items()
        for name in names
    }
    guests["web01"].status, guests["web01"].started_at = "running", NOW - 1168
    guests["web01"].tags, guests["ct-dns"].tags = "prod;web", "dns"
    guests["tmpl-debian12"].template = True
    guests["db01"].lock = "backup"
    details_of(guests["ct-dns"]).snapshots.clear()
    details_of(guests["ct-dns"]).parent = None
    guests["remote01"].node = guests["remote-ct"].node = away
    return list(guests.values())


def add_tokens(cluster: SimulatedCluster, secret: str) -> None:
    """Make the tokens of the recordings."""
    tokens = cluster.state.accounts.users["admin@pve"].tokens
    tokens["full"] = Token("full", secret, privsep=False, comment="full, privsep=0")
    tokens["sep"] = Token("sep", secret, comment="privsep, ACL PVEAuditor on /")
    tokens["sepnone"] = Token("sepnone", secret)
    tokens["old"] = Token("old", secret, privsep=False, expire=1_000_000_000)
    cluster.state.accounts.users["root@pam"].tokens["ci"] = Token("ci", secret, privsep=False)
    cluster.state.accounts.users["auditor@pve"].tokens["ro"].secret = secret


@dataclass(frozen=True)
class RecordedAnswer:
    """One answer to a GET of (nearly) every route."""

    route: str
    path: str
    status: int
    reason: str
    document: Any


def recorded_answers(release: str) -> Iterator[RecordedAnswer]:
    """Read the answers of a release."""
    for line in (ANSWERS / f"get-{release}.jsonl").read_text(encoding="utf-8").split("\n"):
        if not line:
            continue
        entry = json.loads(line)
        yield RecordedAnswer(entry["route"], entry["path"], entry["status"], entry["reason"], entry.get("json"))


@dataclass
class Tally:
    """What became of a number of comparisons."""

    equal: list[str] = field(default_factory=list)
    different: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def compared(self) -> int:
        return len(self.equal) + len(self.different)

    @property
    def share(self) -> float:
        return len(self.equal) / self.compared if self.compared else 0.0

    def report(self, title: str) -> str:
        reasons: dict[str, int] = {}
        for reason in self.left_out.values():
            reasons[reason] = reasons.get(reason, 0) + 1
        lines = [
            f"{title}: {self.compared} compared, {len(self.equal)} equal ({self.share:.1%}), "
            f"{len(self.left_out)} left out"
        ]
        lines += [f"  different: {name}: {why}" for name, why in sorted(self.different.items())]
        lines += [f"  left out: {count} x {reason}" for reason, count in sorted(reasons.items())]
        return "\n".join(lines)
