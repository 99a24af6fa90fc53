"""A login is changed, and the program is killed, the disk fails, or another program changes it too: at every point."""

from __future__ import annotations

import asyncio
import errno
import json
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pxm_tui.domain.cluster import Cluster
from pxm_tui.domain.errors import PxmError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.services.editing import EditFailedError
from pxm_tui.services.ports import Credentials
from pxm_tui.services.registration import RegistrationFailedError
from tests.fakes import FakeServer, StillClock
from tests.services.recorder import Recorder
from tests.storage.changing_logins import ROUNDS
from tests.storage.logins import (
    FLOWS,
    OLD,
    PASTED,
    ROOT,
    SAME,
    FlowFailedError,
    Process,
    UnsyncedSteps,
    make_servers,
    prepare,
    what_is_left,
)

PROJECT = Path(__file__).parents[2]
AN_ID = "5e1f00000000beef"


class Killed(BaseException):
    """The process has ended: nothing of it goes on."""


class Full(UnsyncedSteps):
    """Operation number `at` fails, once."""

    def __init__(self, at: int) -> None:
        super().__init__(before=self._fail)
        self._at = at

    def _fail(self, _step: str, number: int) -> None:
        if number == self._at:
            raise OSError(errno.ENOSPC, "no space left")


class Mortal(UnsyncedSteps):
    """The process ends at operation number `end`; what would clean up gets nowhere, on the disk and at the servers."""

    def __init__(self, end: int, servers: dict[str, FakeServer]) -> None:
        super().__init__(before=self._live_or_end)
        self._end = end
        self._at_risk: list[tuple[Path, bytes | None]] = []
        self.dead = False
        for server in servers.values():
            self._cut_off(server)

    def _live_or_end(self, _step: str, number: int) -> None:
        self.dead = self.dead or number == self._end
        if self.dead:
            raise Killed

    def rename(self, source: Path, target: Path) -> None:
        before = target.read_bytes() if target.exists() else None
        super().rename(source, target)
        self._at_risk.append((target, before))

    def fsync_directory(self, directory: Path) -> None:
        super().fsync_directory(directory)
        self._at_risk = [(target, before) for target, before in self._at_risk if target.parent != directory]

    def lose_power(self) -> None:
        """What was renamed in a directory that was not brought to the disk since has never happened."""
        for target, before in reversed(self._at_risk):
            target.unlink(missing_ok=True)
            if before is not None:
                target.write_bytes(before)
                target.chmod(0o600)

    def revive(self) -> None:
        """The servers hear the next process."""
        self._end, self.dead = -1, False

    def _cut_off(self, server: FakeServer) -> None:
        whole = server.phase

        async def phase(name: str) -> None:
            if self.dead:
                raise Killed
            await whole(name)

        server.phase = phase  # type: ignore[method-assign]


async def checked(directory: Path, servers: dict[str, FakeServer], clock: StillClock) -> list[PxmError | None]:
    """What the next program meets when it logs in to every registered cluster with what it finds."""
    process = Process(directory, servers, clock)
    reports = [
        await process.clusters.check(record.id, Snapshot(record.id), Recorder())
        for record in await process.repository.list()
    ]
    process.close()
    return [report.error for report in reports]


AFTER = {
    "register": None,
    "log in again": {f"{OLD}-2"},
    "edit": {"monitor@pve!pxm"},
    "edit, keep the password": {"root@pam"},
    "edit, the same account": {OLD},
    "rotate": {f"{OLD}-2"},
    "deregister": set(),
}
"""The accounts of the records after each; a registration makes a token of a random name."""


CASES = [(flow, True, how) for flow in FLOWS for how in ("killed", "without power")]
CASES += [(flow, False, "killed") for flow in ("log in again", "deregister")]


@pytest.mark.parametrize(("flow", "has_id", "how"), CASES)
async def test_whoever_is_killed_when_the_record_s_login_works(
    flow: str, has_id: bool, how: str, tmp_path: Path
) -> None:
    """The end comes before each operation on the disk in turn, until a run comes to its own end.

    Args:
        flow: what is done.
        has_id: the secret of the login before has an id; else it is from before secrets had one.
        how: without power what was not on the disk yet is lost, too.
        tmp_path: for the files.
    """
    all_left = []
    for end in range(1000):
        directory, clock, servers = tmp_path / str(end), StillClock(), make_servers()
        before = await prepare(directory, clock, AN_ID if has_id else None)
        mortal = Mortal(end, servers)
        process = Process(directory, servers, clock, mortal)
        with suppress(Killed):
            await FLOWS[flow](process, before)
        process.close()
        came_to_its_end = not mortal.dead
        if how == "without power":
            mortal.lose_power()
        mortal.revive()
        assert set(await checked(directory, servers, clock)) <= {None}, end
        all_left.append(await what_is_left(directory, clock))
        assert all_left[-1].is_whole(), (end, all_left[-1])
        if came_to_its_end:
            break
    first, last = all_left[0], all_left[-1]
    assert set(first.found) == {OLD}
    assert set(last.found) == AFTER[flow] if AFTER[flow] is not None else len(last.found) == 2
    assert last.counts[0] == len(last.found), "who is not killed leaves nothing"
    assert any(left.counts[0] > len(left.found) for left in all_left), "some kills leave a secret that no record names"
    if flow != "deregister":
        assert any(left.counts[1] > left.counts[2] for left in all_left), "a young one is not swept"


async def until_it_is_done(tmp_path: Path, work: Callable[[Path, int], Awaitable[bool]]) -> int:
    """Do `work` at one point after the other, until it says that there was no such point; how many there were."""
    point = 0
    while await work(tmp_path / str(point), point):
        point += 1
    return point


@pytest.mark.parametrize("flow", FLOWS)
async def test_wherever_the_disk_fails_the_record_s_login_works(flow: str, tmp_path: Path) -> None:
    """Also after the record was replaced, where only its directory could not be made durable."""

    async def fail_at(directory: Path, point: int) -> bool:
        clock, servers = StillClock(), make_servers()
        before = await prepare(directory, clock, AN_ID)
        full = Full(point)
        process = Process(directory, servers, clock, full)
        with suppress(PxmError, EditFailedError, RegistrationFailedError, FlowFailedError):
            await FLOWS[flow](process, before)
        process.close()
        assert set(await checked(directory, servers, clock)) <= {None}, point
        left = await what_is_left(directory, clock)
        assert left.is_whole(), (point, left)
        return len(full.steps) > point

    assert await until_it_is_done(tmp_path, fail_at) > 10


class Interrupted:
    """A store before whose `point`-th write something else happens; both stores of a process count together."""

    def __init__(self, store: Any, counter: list[int], point: int, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self._store, self._counter, self._point, self._meanwhile = store, counter, point, meanwhile

    def __getattr__(self, name: str) -> Any:
        whole = getattr(self._store, name)
        if name not in {"put", "delete", "update", "save", "save_checks"}:
            return whole

        async def interrupted(*given: Any) -> Any:
            self._counter.append(1)
            if len(self._counter) == self._point + 1:
                await self._meanwhile()
            return await whole(*given)

        return interrupted


@pytest.mark.parametrize("theirs", [PASTED, ROOT, SAME], ids=lambda one: str(one.name))
@pytest.mark.parametrize("ours", [PASTED, SAME], ids=lambda one: str(one.name))
async def test_of_two_that_change_one_login_at_once_one_wins_and_the_other_is_told(
    ours: Credentials, theirs: Credentials, tmp_path: Path
) -> None:
    winners = set()

    async def race(directory: Path, point: int) -> bool:
        clock, counter, outcomes = StillClock(), list[int](), dict[str, Cluster | EditFailedError]()
        before = await prepare(directory, clock, AN_ID)
        processes = {name: Process(directory, make_servers(), clock) for name in ("ours", "theirs")}

        async def change(name: str, credentials: Credentials) -> None:
            try:
                outcomes[name] = (await processes[name].change(before, credentials)).cluster
            except EditFailedError as failure:
                outcomes[name] = failure

        async def meanwhile() -> None:
            await change("theirs", theirs)

        means = processes["ours"].means
        means.repository = Interrupted(means.repository, counter, point, meanwhile)
        means.secrets = Interrupted(means.secrets, counter, point, meanwhile)
        await change("ours", ours)
        if "theirs" not in outcomes:
            await meanwhile()
        (won,) = [name for name, outcome in outcomes.items() if isinstance(outcome, Cluster)]
        winners.add(won)
        (told,) = [outcome for outcome in outcomes.values() if isinstance(outcome, EditFailedError)]
        assert told.error.cause == "changed_meanwhile"
        (record,) = await processes["ours"].repository.list()
        saved = outcomes[won]
        assert isinstance(saved, Cluster)
        assert record.login.secret_id == saved.login.secret_id
        left = await what_is_left(directory, clock)
        assert left.is_whole()
        assert left.counts == (1, 1, 1), "who is told has cleaned up, and erased nothing of who won"
        for process in processes.values():
            process.close()
        return len(counter) > point

    assert await until_it_is_done(tmp_path, race) >= 4
    assert winners == {"ours", "theirs"}


def start(module: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_kill_9_at_any_step_of_a_change_leaves_a_login_that_works(tmp_path: Path) -> None:
    with start("tests.storage.crashing_logins", tmp_path) as program:
        output, _ = program.communicate()
    trials = [json.loads(line) for line in output.splitlines()]
    for flow in FLOWS:
        found = [trial for trial in trials if trial["flow"] == flow]
        assert [trial["signal"] for trial in found] == [*[signal.SIGKILL] * (len(found) - 1), None]
        assert len(found) > 10, "a change has many steps"
        assert [trial for trial in found if not trial["whole"]] == []


def test_two_programs_that_change_one_login_at_once_lose_none(tmp_path: Path) -> None:
    """Whoever reads the record finds the secret of its login there, or a newer record."""
    asyncio.run(prepare(tmp_path, StillClock(), AN_ID))
    programs = [start("tests.storage.changing_logins", tmp_path, name) for name in ("one", "two")]
    for program in programs:
        assert program.stdin
        program.stdin.write("go\n")
        program.stdin.flush()
    outcomes = [json.loads(program.communicate()[0]) for program in programs]
    assert [program.returncode for program in programs] == [0, 0]
    assert [outcome["lost"] for outcome in outcomes] == [0, 0]
    assert all(outcome["won"] for outcome in outcomes)
    assert sum(outcome["won"] + outcome["told"] for outcome in outcomes) == 2 * ROUNDS
    process = Process(tmp_path, {}, StillClock())
    (record,) = process.repository.read()
    secret = asyncio.run(process.secrets.get(record.id, record.login))
    assert secret is not None
    assert secret.reveal() == f"secret of {record.login.name}"
    assert asyncio.run(process.secrets.state()).secrets == 1
    process.close()
