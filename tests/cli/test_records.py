"""`pxm list` and `pxm show`: tables that align, JSON that is exact, storage that is newer, damaged or foreign."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pxm_tui.cli.cluster_text import cluster_record, clusters_table
from pxm_tui.cli.table import table
from pxm_tui.domain.cluster import Limit, Reason, Status
from pxm_tui.domain.text import cell_width
from pxm_tui.storage.tinydb_repository import TinyDbRepository
from tests.cli.conftest import Pxm
from tests.fakes import HOSTILE_NAME, NOW, cluster

CONTROL_NAME = "bidi\u202ename\x9b31m"


def store(directory: Path, *names: str) -> None:
    """Write clusters into a registry."""
    repository = TinyDbRepository(directory)

    async def save() -> None:
        for number, name in enumerate(names):
            await repository.save(cluster(name, number=number))

    asyncio.run(save())
    repository.close()


def test_the_table_of_the_sketch() -> None:
    clusters = (
        replace(cluster("ams-backup"), last_seen_at=NOW - timedelta(seconds=12)),
        replace(
            cluster("dr-ams", env="dr", version="7.4-16", nodes=(2, 2), guests=(61, 88), status=Status.UNREACHABLE),
            error=Reason("timeout", "timed out", "No answer."),
            last_seen_at=NOW - timedelta(hours=4),
        ),
        replace(cluster("서울-1", env="", guests=None), last_seen_at=None, proxmox_version=None),
    )
    assert clusters_table(clusters, NOW).splitlines() == [
        "NAME        ENV   STATUS                  NODES  GUESTS  PVE      SEEN",
        "ams-backup  PROD  healthy                   3/3   41/41  9.2.11   12 s",
        "dr-ams      DR    unreachable: timed out    2/2   61/88  7.4-16    4 h",
        "서울-1            healthy                   3/3       ?  ?       never",
    ]


def test_columns_align_in_cells() -> None:
    lines = table(("A", "B"), [("서울", "1"), ("ab", "22")], frozenset({"B"})).splitlines()
    assert lines == ["A      B", "서울   1", "ab    22"]
    assert {cell_width(line) for line in lines} == {8}


def test_one_record_in_words() -> None:
    reason = Reason("timeout", "timed out", "No answer\x1b[31m.", "The host is off.", "Check it.", since=NOW)
    shown = cluster_record(
        replace(
            cluster("dr-ams", status=Status.UNREACHABLE, error=reason, limits=(Limit("VM.Audit", "/vms"),)),
            login=replace(cluster("x").login, refused=True),
        ),
        NOW,
    )
    assert "\x1b" not in shown
    for words in (
        "status      unreachable: timed out",
        "what        No answer [31m., since 2026-11-22T14:02:10Z",
        "do          Check it.",
        "not seen    guests (VM.Audit on /vms)",
        "            pveum acl modify / --roles PVEAuditor --tokens 'monitor@pve!pxm'",
        "refused by the server",
        "labels      env=prod",
        "            60:",
    ):
        assert words in shown or words == "            60:"
    never = cluster_record(replace(cluster("x"), last_seen_at=None, quorate=False), NOW)
    assert "never" in never
    assert "no quorum" in never


def test_nothing_is_registered(pxm: Pxm) -> None:
    assert pxm("list", "--json").json == {"clusters": [], "total": 0}
    done = pxm("list")
    assert (done.status, done.out) == (0, "")
    assert "no cluster is registered yet" in done.err


def test_an_unknown_name_and_a_close_one(pxm: Pxm, environment: Path) -> None:
    store(environment, "fra-prod-1")
    done = pxm("show", "fra-prod-2", "--json")
    assert (done.status, done.json["error"]["code"]) == (3, "not_found")
    assert "fra-prod-1" in done.json["error"]["message"]
    assert pxm("show", "nothing").err.startswith('pxm: No cluster is called "nothing".')


def test_list_is_the_same_through_the_parser_and_past_it(pxm: Pxm, environment: Path) -> None:
    store(environment, "b-10", "b-9", "A")
    short = pxm("list", "--json")
    assert short == pxm("--data-dir", str(environment), "list", "--json")
    assert pxm("list").out == pxm("list", "--data-dir", str(environment)).out
    assert [record["name"] for record in short.json["clusters"]] == ["A", "b-9", "b-10"]
    assert short.json["clusters"] == [found.to_json() for found in TinyDbRepository(environment).read()]


def test_signs_that_a_terminal_acts_on_are_escaped_in_json_and_blank_in_tables(pxm: Pxm, environment: Path) -> None:
    store(environment, CONTROL_NAME, HOSTILE_NAME)
    done = pxm("list", "--json")
    assert r"bidi\u202ename\u009b31m" in done.out
    assert [record["name"] for record in done.json["clusters"]] == [HOSTILE_NAME, CONTROL_NAME]
    text = pxm("list").out
    assert "bidi name 31m" in text
    assert HOSTILE_NAME in text


def test_a_newer_registry_is_refused_untouched(pxm: Pxm, environment: Path) -> None:
    store(environment, "a")
    path = environment / "clusters.json"
    newer = json.dumps({**json.loads(path.read_text()), "format": 999})
    path.write_text(newer)
    for arguments in (["list"], ["show", "a"], ["check"], ["deregister", "a", "--yes"]):
        done = pxm(*arguments, "--json")
        assert (done.status, done.json["error"]["code"]) == (9, "storage_unusable")
        assert "newer pxm" in done.json["error"]["message"]
    assert path.read_text() == newer


def test_a_damaged_registry_is_mended_from_its_copy_and_said_once(program: Pxm, environment: Path) -> None:
    store(environment, "a", "b")
    (environment / "clusters.json").write_text("{")
    first = program("list", "--json")
    assert (first.status, first.json["total"]) == (0, 1)
    assert first.err.count("clusters.json was damaged") == 1
    assert first.err.startswith("pxm: clusters.json was damaged; the copy of ")
    assert len(first.err.splitlines()) == 1
    assert list(environment.glob("clusters.json.damaged-*"))
    assert program("list").err == ""


def test_a_directory_that_cannot_be_used(pxm: Pxm, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = pxm("--data-dir", str(tmp_path / "file" / "below"), "list", "--json")
    assert (done.status, done.json["error"]["code"]) == (9, "storage_unusable")


def test_files_are_closed_to_others_whatever_the_umask(program: Pxm, registered: Path) -> None:
    before = os.umask(0)
    try:
        assert program("deregister", "alone", "--yes").status == 0
    finally:
        os.umask(before)
    for path in [registered, *registered.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("variable", ["PXM_REFRESH", "PXM_SECRET_STORE"])
def test_a_wrong_setting_is_named(pxm: Pxm, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "nonsense")
    done = pxm("list", "--json")
    assert (done.status, done.json["error"]["cause"]) == (2, "settings")
