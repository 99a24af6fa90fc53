"""The tasks that a node ran before the simulation began: nightly backups, updates, now and then a start."""

from collections.abc import Iterator
from random import Random
from typing import TYPE_CHECKING

from pxm_tui.simulator.clock import seeded
from pxm_tui.simulator.inventory import Guest, Node
from pxm_tui.simulator.tasks import Task, Upid

if TYPE_CHECKING:
    from pxm_tui.simulator.cluster import Cluster

NIGHTS = 3
DAY = 86400
BACKUP_AT = 2 * 3600
UPDATE_AT = 4 * 3600 + 600
FAILURE = "job errors"


def make_history(cluster: "Cluster", node: Node) -> list[Task]:
    """Make the finished tasks of a node, the one that ended first at the front."""
    numbers = seeded(cluster.seed, "history", node.name)
    guests = [guest for guest in cluster.guests if guest.node == node.name]
    midnight = cluster.created_at - cluster.created_at % DAY
    past: list[Task] = []
    pid = 1500
    for start, seconds, kind, subject, status in _events(numbers, midnight, guests):
        if start + seconds >= cluster.created_at or start < node.started_at:
            continue
        pid += numbers.randrange(20, 400)
        pstart = int((start - node.started_at) * 100)
        task = Task(Upid(node.name, pid, pstart, int(start), kind, subject, "root@pam"))
        task.say(*_lines(kind, status))
        task.status, task.ended_at = status, start + seconds
        past.append(task)
    return past


def _events(numbers: Random, midnight: float, guests: list[Guest]) -> Iterator[tuple[float, int, str, str, str]]:
    """Give start, seconds, kind, subject and exit status of each task, oldest first."""
    for night in range(NIGHTS, -1, -1):
        today = midnight - night * DAY
        failed = numbers.random() < 0.15
        yield today + BACKUP_AT, numbers.randrange(90, 1500), "vzdump", "", FAILURE if failed else "OK"
        yield today + UPDATE_AT, numbers.randrange(4, 20), "aptupdate", "", "OK"
        for guest in guests[night : night + 1]:
            kind = "qmstart" if guest.kind == "qemu" else "vzstart"
            if guest.running:
                yield today + numbers.randrange(6, 9) * 3600, numbers.randrange(1, 5), kind, str(guest.vmid), "OK"


def _lines(kind: str, status: str) -> list[str]:
    if kind == "aptupdate":
        return ["starting apt-get update", "Reading package lists...", "got 0 updates"]
    if kind != "vzdump":
        return []
    end = "with errors" if status == FAILURE else "successfully"
    return [
        "INFO: starting new backup job: vzdump --all 1 --mode snapshot --storage nas",
        f"INFO: Backup job finished {end}",
    ]
