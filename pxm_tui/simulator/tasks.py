"""Tasks: work that takes time, as the workers of pvedaemon do it (pve-common, RESTEnvironment.pm and UPID.pm).

Nothing runs in the background. The body of a task is a generator that yields how long its next step takes, or
another task to wait for; whoever looks at a cluster first lets its tasks catch up with the clock, and each step
then sees the moment at which it happens. A cluster that nobody looks at costs nothing, and a test that moves
its clock sees all that happened meanwhile.
"""

import heapq
import itertools
import re
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from random import Random
from typing import Self

from pxm_tui.simulator.inventory import Node

ARCHIVE_LENGTH = 500
"""How many finished tasks a node remembers."""
FIRST_PID = 1500

_UPID = re.compile(
    r"UPID:([a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?):([0-9A-Fa-f]{8}):([0-9A-Fa-f]{8,9}):([0-9A-Fa-f]{8})"
    r":([^:\s/]+):([^:\s/]*):([^:\s/]+):"
)


class TaskError(Exception):
    """A task failed; its text is the exit status."""


@dataclass(frozen=True, slots=True)
class Upid:
    """The unique id of a task, in its parts.

    Attributes:
        pid: process id of the worker.
        pstart: when the worker started, in hundredths of a second since the node's boot.
        starttime: in seconds since 1970.
        kind: what it does, such as `qmstart`.
        subject: what it does it to, often a VMID; may be empty.
        authid: the user or full token id that started it.
    """

    node: str
    pid: int
    pstart: int
    starttime: int
    kind: str
    subject: str
    authid: str

    def __str__(self) -> str:
        numbers = f"{self.pid:08X}:{self.pstart:08X}:{self.starttime:08X}"
        return f"UPID:{self.node}:{numbers}:{self.kind}:{self.subject}:{self.authid}:"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take a UPID apart.

        Raises:
            ValueError: it is none.
        """
        match = _UPID.fullmatch(text)
        if match is None:
            raise ValueError("unable to parse worker upid")
        node, pid, pstart, starttime, kind, subject, authid = match.groups()
        return cls(node, int(pid, 16), int(pstart, 16), int(starttime, 16), kind, subject, authid)

    @property
    def user(self) -> str:
        """The user, without the name of a token."""
        return self.authid.partition("!")[0]

    @property
    def token(self) -> str | None:
        """The name of the token that started it, if it was one."""
        return self.authid.partition("!")[2] or None


Work = Generator["float | Task", None, None]
"""The body of a task: yields seconds, or a task to wait for; fails by raising `TaskError`."""


class Task:
    """A task that runs or has run.

    Attributes:
        now: the moment of the step that runs, in seconds since 1970; for its body.
        log: the lines that it wrote, without the last one that tells how it ended.
        status: how it ended, None while it runs.
        ended_at: when it ended, in seconds since 1970.
    """

    __slots__ = ("_release", "_waiting", "_work", "ended_at", "log", "name", "now", "status", "upid", "warnings")

    def __init__(self, upid: Upid) -> None:
        self.upid = upid
        self.name = str(upid)
        self.now = float(upid.starttime)
        self.log: list[str] = []
        self.status: str | None = None
        self.ended_at: float | None = None
        self.warnings = 0
        self._work: Work | None = None
        self._waiting: list[Task] = []
        self._release: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        return f"Task({self.name!r}, {self.status!r})"

    @property
    def running(self) -> bool:
        """Tell whether it has not ended."""
        return self.status is None

    @property
    def succeeded(self) -> bool:
        """Tell whether it has ended well, maybe with warnings."""
        return self.status == "OK" or bool(self.status and self.status.startswith("WARNINGS: "))

    def say(self, *lines: str) -> None:
        """Write lines to the log."""
        self.log.extend(lines)

    def warn(self, line: str) -> None:
        """Write a warning to the log; a task with warnings does not end with `OK`."""
        self.log.append(f"WARN: {line}")
        self.warnings += 1

    def at_the_end(self, action: Callable[[], None]) -> None:
        """Let `action` happen when the task ends, however it does."""
        self._release.append(action)

    @property
    def lines(self) -> list[str]:
        """The log as Proxmox stores it, with the line that tells how the task ended."""
        if self.status is None:
            return self.log
        if self.status == "OK":
            return [*self.log, "TASK OK"]
        if self.succeeded:
            return [*self.log, f"TASK {self.status}"]
        return [*self.log, f"TASK ERROR: {self.status}"]


@dataclass(slots=True)
class Trouble:
    """What is to go wrong with tasks that are about to be started.

    Attributes:
        kind: which tasks, such as `qmstart`; None for all.
        status: how they fail; None lets them begin and never end.
        subject: what they are about, such as a VMID; None for anything.
        left: how many are still to be spoilt; None for all to come.
    """

    kind: str | None
    status: str | None
    subject: str | None = None
    left: int | None = 1

    def fits(self, upid: Upid) -> bool:
        """Tell whether a task is one of those."""
        return self.kind in {None, upid.kind} and self.subject in {None, upid.subject} and self.left != 0


@dataclass(slots=True)
class _Workers:
    """The tasks of one node."""

    running: dict[str, Task]
    finished: deque[Task]
    last_pid: int


class Tasks:
    """All tasks of one cluster.

    Args:
        nodes: the cluster's nodes.
        numbers: where process ids come from.
        history: makes the tasks that a node had before the simulation began, oldest first; asked when
            somebody looks for the first time.

    Attributes:
        troubles: what is to go wrong with tasks to come.
    """

    def __init__(self, nodes: dict[str, Node], numbers: Random, history: Callable[[Node], list[Task]]) -> None:
        self._nodes = nodes
        self._numbers = numbers
        self._history = history
        self._workers: dict[str, _Workers] = {}
        self._due: list[tuple[float, int, Callable[[float], object]]] = []
        self._order = itertools.count()
        self.troubles: list[Trouble] = []

    def start(
        self, node: Node, body: Callable[[Task], Work], now: float, *, kind: str, subject: object, authid: str
    ) -> Task:
        """Start a task on a node and run its first step.

        Args:
            node: where it runs.
            body: makes the generator that does the work.
            now: the time.
            kind: such as `qmstart`.
            subject: what it is about, such as a VMID.
            authid: who started it.
        """
        workers = self._of(node.name)
        workers.last_pid += self._numbers.randrange(3, 90)
        pstart = max(0, round((now - node.started_at) * 100))
        task = Task(Upid(node.name, workers.last_pid, pstart, int(now), kind, str(subject), authid))
        task._work = self._spoilt(task.upid, body(task))
        workers.running[task.name] = task
        self._step(task, now)
        return task

    def _spoilt(self, upid: Upid, work: Work) -> Work:
        """Let a task go wrong, if it is to."""
        trouble = next((one for one in self.troubles if one.fits(upid)), None)
        if trouble is None:
            return work
        if trouble.left is not None:
            trouble.left -= 1
        return _never_ending(work) if trouble.status is None else _failing(trouble.status)

    def later(self, due: float, action: Callable[[float], object]) -> None:
        """Let something happen at a moment to come; it is told which."""
        heapq.heappush(self._due, (due, next(self._order), action))

    def catch_up(self, now: float) -> None:
        """Let everything happen that is due until `now`."""
        while self._due and self._due[0][0] <= now:
            due, _, action = heapq.heappop(self._due)
            action(due)

    def running(self, node: str) -> list[Task]:
        """List a node's tasks that run, newest first."""
        return list(reversed(self._of(node).running.values()))

    def finished(self, node: str) -> list[Task]:
        """List a node's finished tasks, the one that ended last first."""
        return list(reversed(self._of(node).finished))

    def find(self, node: str, upid: str) -> Task | None:
        """Give a task of a node."""
        workers = self._of(node)
        if upid in workers.running:
            return workers.running[upid]
        return next((task for task in workers.finished if task.name == upid), None)

    def stop(self, task: Task, now: float) -> None:
        """Interrupt a task, if it runs."""
        if task.running:
            self._finish(task, now, "received interrupt")

    def end(self, task: Task, now: float, status: str = "OK") -> None:
        """End a task whose work is done elsewhere, if it runs."""
        if task.running:
            self._finish(task, now, status)

    def _of(self, node: str) -> _Workers:
        if node not in self._workers:
            past = deque(self._history(self._nodes[node]), maxlen=ARCHIVE_LENGTH)
            last = max((task.upid.pid for task in past), default=FIRST_PID)
            self._workers[node] = _Workers({}, past, last)
        return self._workers[node]

    def _step(self, task: Task, now: float) -> None:
        """Run a task until it has to wait for something."""
        if not task.running:
            return
        task.now = now
        if not self._nodes[task.upid.node].online:
            self._finish(task, now, "unexpected status")
            return
        try:
            awaited = next(task._work) if task._work is not None else None
        except StopIteration:
            self._finish(task, now, f"WARNINGS: {task.warnings}" if task.warnings else "OK")
        except TaskError as error:
            self._finish(task, now, str(error))
        else:
            self._wait(task, now, awaited)

    def _wait(self, task: Task, now: float, awaited: "float | Task | None") -> None:
        if not isinstance(awaited, Task):
            self._at(now + (awaited or 0.0), task)
        elif awaited.running:
            awaited._waiting.append(task)
        else:
            self._at(now, task)

    def _at(self, due: float, task: Task) -> None:
        self.later(due, lambda now: self._step(task, now))

    def _finish(self, task: Task, now: float, status: str) -> None:
        work, task._work = task._work, None
        task.now, task.ended_at, task.status = now, now, status
        if work is not None:
            work.close()
        for release in task._release:
            release()
        task._release.clear()
        workers = self._of(task.upid.node)
        workers.running.pop(task.name, None)
        workers.finished.append(task)
        for waiting in task._waiting:
            self._at(now, waiting)
        task._waiting.clear()


def _failing(status: str) -> Work:
    yield 1.0
    raise TaskError(status)


def _never_ending(work: Work) -> Work:
    """Begin some work and get no further; the locks that it took are kept."""
    try:
        yield next(work, 0.0)
        while True:
            yield 3600.0
    finally:
        work.close()
