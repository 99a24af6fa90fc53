"""The cluster log: logins that were written down, and tasks as they began and ended (pmxcfs, logger.c)."""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pxm_tui.simulator.tasks import Task

if TYPE_CHECKING:
    from pxm_tui.simulator.cluster import Cluster

LENGTH = 500
ERROR, INFORMATION = 3, 6
"""Levels of syslog."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of the cluster log.

    Attributes:
        time: in seconds since 1970.
        user: who caused it; logins are written down by root@pam.
        number: position in the log of its node.
    """

    time: int
    node: str
    user: str
    message: str
    priority: int
    pid: int
    number: int = 0

    def data(self) -> dict[str, object]:
        """Give the entry as the API does."""
        return {
            "uid": str(self.number),
            "time": self.time,
            "pri": self.priority,
            "tag": "pvedaemon",
            "pid": self.pid,
            "node": self.node,
            "user": self.user,
            "msg": self.message,
            "id": f"{self.number}:{self.node}",
        }


Journal = deque[LogEntry]


def make_journal() -> Journal:
    """Make an empty journal, which forgets its oldest entries."""
    return deque(maxlen=LENGTH)


def note_login(cluster: "Cluster", node: str, userid: str, *, accepted: bool) -> None:
    """Write down that somebody logged in, or tried to."""
    message = f"successful auth for user '{userid}'" if accepted else f"authentication failure; user={userid}"
    priority = INFORMATION if accepted else ERROR
    pid = 1200 + len(cluster.journal) % 3
    cluster.journal.append(LogEntry(int(cluster.clock()), node, "root@pam", message, priority, pid))


def entries_of(cluster: "Cluster", now: float) -> list[LogEntry]:
    """Give the log, newest entry first, numbered for each node."""
    entries = list(cluster.journal)
    for node in cluster.nodes:
        for task in (*cluster.tasks.finished(node), *cluster.tasks.running(node)):
            entries += _of_task(task)
    entries = sorted((entry for entry in entries if entry.time <= now), key=lambda entry: entry.time)[-LENGTH:]
    counts: dict[str, int] = {}
    numbered = []
    for entry in entries:
        counts[entry.node] = counts.get(entry.node, 0) + 1
        number = counts[entry.node]
        numbered.append(LogEntry(entry.time, entry.node, entry.user, entry.message, entry.priority, entry.pid, number))
    return list(reversed(numbered))


def _of_task(task: Task) -> list[LogEntry]:
    upid = task.upid
    begun = LogEntry(upid.starttime, upid.node, upid.authid, f"starting task {task.name}", INFORMATION, upid.pid)
    if task.status is None or task.ended_at is None:
        return [begun]
    priority = INFORMATION if task.succeeded else ERROR
    message = f"end task {task.name} {task.status}"
    return [begun, LogEntry(int(task.ended_at), upid.node, upid.authid, message, priority, upid.pid)]
