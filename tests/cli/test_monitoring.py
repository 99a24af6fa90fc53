"""`pxm check` for monitoring systems: lines, a plug-in's status and line, a bound on time, and a stream of changes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pxm_tui.simulator.thread import FleetThread
from tests.cli.conftest import PROGRAM, Pxm
from tests.cli.person import Person

PERFORMANCE = re.compile(r"[a-z_]+=[0-9.]+s?(;[0-9]*){0,4}\Z")


def well(fleet: FleetThread) -> None:
    """Leave it as it is."""


def weak(fleet: FleetThread) -> None:
    fleet.clusters[0].take_offline(fleet.clusters[0].nodes[1])


def dead(fleet: FleetThread) -> None:
    fleet.clusters[1].stop_listening()


def expired(fleet: FleetThread) -> None:
    fleet.clusters[1].expire_token(fleet.clusters[1].token_id)


def changed(fleet: FleetThread) -> None:
    fleet.clusters[1].replace_authority()


@pytest.mark.parametrize(
    ("trouble", "status", "words"),
    [
        (well, 0, "PXM OK - 2 of 2 healthy"),
        (weak, 1, "PXM WARNING - 1 of 2 healthy, 1 of 2 degraded: one (no quorum)"),
        (dead, 2, "PXM CRITICAL - 1 of 2 healthy, 1 of 2 unreachable: two (refused)"),
        (expired, 2, "PXM CRITICAL - 1 of 2 healthy, 1 of 2 unauthorized: two (token)"),
        (changed, 2, "PXM CRITICAL - 1 of 2 healthy, 1 of 2 untrusted: two (changed)"),
    ],
)
def test_a_plug_in_says_one_line_and_its_status(
    trouble: Callable[[FleetThread], None], status: int, words: str, pxm: Pxm, pair: FleetThread
) -> None:
    trouble(pair)
    done = pxm("check", "--nagios")
    assert (done.status, done.err) == (status, "")
    said, _, performance = done.out.removesuffix("\n").partition(" | ")
    assert said == words
    assert "\n" not in performance
    figures = performance.split()
    assert all(PERFORMANCE.match(figure) for figure in figures), figures
    values = dict(figure.split(";")[0].split("=") for figure in figures)
    assert values["clusters"] == "2"
    assert values["healthy"] == ("2" if trouble is well else "1")
    if trouble is weak:
        assert (values["node_count"], values["nodes_online"], values["guests_total"]) == ("3", "2", "6")


def test_a_plug_in_that_can_check_nothing_does_not_know(
    pxm: Pxm, pair: FleetThread, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for arguments in (["nobody"], ["--bogus"], ["--json"], ["--timeout", "0"], ["--timeout", "soon"]):
        done = pxm("check", "--nagios", *arguments)
        assert (done.status, done.out.startswith("PXM UNKNOWN - "), done.out.count("\n")) == (3, True, 1), arguments
    monkeypatch.delenv("PXM_VAULT_PASSPHRASE_FILE")
    assert pxm("check", "--nagios").status == 3
    monkeypatch.setenv("PXM_DATA_DIR", str(tmp_path / "empty"))
    done = pxm("check", "--nagios")
    assert (done.status, done.out) == (3, "PXM UNKNOWN - no cluster is registered\n")


def test_a_line_a_cluster(pxm: Pxm, pair: FleetThread) -> None:
    dead(pair)
    done = pxm("check", "--lines")
    assert (done.status, done.err) == (7, "")
    one, two = (line.split("\t") for line in done.out.splitlines())
    assert (one[:4], one[6:]) == (["one", "healthy", "2/2", one[3]], ["-", "-"])
    assert one[4].startswith("9.2")
    assert one[5].isdecimal()
    assert (two[:2], two[6]) == (["two", "unreachable"], "refused")
    assert "refuses port" in two[7]


def test_the_whole_is_bounded_in_time(pxm: Pxm, pair: FleetThread) -> None:
    pair.clusters[1].fall_silent()
    done = pxm("check", "--timeout", "1.5", "--json")
    assert done.status == 7
    one, two = done.json["clusters"]
    assert one["cluster"]["status"] == "healthy"
    assert {step["state"] for step in two["steps"]} == {"skipped"}
    assert two["cluster"]["status"] == "healthy", "a check that was given up says nothing of the cluster"
    nagios = pxm("check", "--timeout", "1.5", "--nagios")
    assert (nagios.status, "1 of 2 unreachable: two (timeout)" in nagios.out) == (2, True)
    pair.clusters[1].speak_again()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--lines", "--json"],
        ["--watch", "--timeout", "3"],
        ["--timeout", "-1"],
        ["--timeout", "3601"],
        ["--watch", "--lines"],
    ],
)
def test_options_that_contradict_each_other(pxm: Pxm, arguments: list[str]) -> None:
    assert pxm("check", *arguments).status == 2


def test_ctrl_c_says_what_was_not_checked(pair: FleetThread, environment: Path) -> None:
    pair.clusters[1].fall_silent()
    with Person("check", "--lines") as person:
        person.sees("1 of 2")
        person.interrupts()
        person.sees("one\thealthy")
        person.sees("not checked: two.")
        assert person.ends() == 130
    pair.clusters[1].speak_again()


class Watch:
    """`pxm check --watch` as a program of its own."""

    def __init__(self, *arguments: str) -> None:
        self.child = subprocess.Popen(
            [*PROGRAM, "check", "--watch", "--refresh", "5", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )

    def next(self) -> dict[str, Any]:
        """The next line; the test's own time limit ends a wait that is in vain."""
        assert self.child.stdout is not None
        found: dict[str, Any] = json.loads(self.child.stdout.readline())
        return found

    def until(self, event: str, **wanted: object) -> dict[str, Any]:
        """Read on to an event of a cluster that is so."""
        while True:
            found = self.next()
            if found["event"] == event and all(found["cluster"][key] == value for key, value in wanted.items()):
                return found


@pytest.fixture
def watching(pair: FleetThread) -> Iterator[Callable[..., Watch]]:
    """Start a watch that ends with the test."""
    started: list[Watch] = []

    def start(*arguments: str) -> Watch:
        started.append(Watch(*arguments))
        return started[-1]

    yield start
    for found in started:
        found.child.kill()
        found.child.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_changes_are_lines_until_a_signal(
    number: signal.Signals, watching: Callable[..., Watch], pair: FleetThread, pxm: Pxm
) -> None:
    watch = watching()
    first = [watch.next(), watch.next()]
    assert [(found["event"], found["cluster"]["name"]) for found in first] == [("known", "one"), ("known", "two")]
    assert list(first[0]) == ["event", "at", "cluster"]
    dead(pair)
    found = watch.until("changed", name="two", status="unreachable")
    assert found["cluster"]["error"]["cause"] == "refused"
    assert pxm("deregister", "two", "--yes").status == 0
    assert watch.until("deregistered")["cluster"]["name"] == "two"
    watch.child.send_signal(number)
    out, err = watch.child.communicate(timeout=20)
    assert (watch.child.returncode, out) == (0, "")
    assert "two was deregistered by another pxm" in err


def test_a_watch_ends_when_nobody_reads(watching: Callable[..., Watch], pair: FleetThread) -> None:
    watch = watching("one")
    assert watch.next()["cluster"]["name"] == "one"
    assert watch.child.stdout is not None
    watch.child.stdout.close()
    assert watch.child.wait(timeout=20) == 141


def test_names_choose_what_a_watch_prints(watching: Callable[..., Watch], pair: FleetThread) -> None:
    watch = watching("two")
    assert watch.next()["cluster"]["name"] == "two"
    weak(pair)
    dead(pair)
    assert watch.next()["cluster"]["name"] == "two"
