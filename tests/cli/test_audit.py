"""`pxm audit` and `pxm audit verify`, after real registrations against the simulated fleet."""

from __future__ import annotations

from pathlib import Path

from pxm_tui.simulator.thread import FleetThread
from tests.cli.conftest import Pxm


def test_nothing_audited_yet(pxm: Pxm) -> None:
    assert pxm("audit", "--json").json == {"entries": [], "total": 0}
    done = pxm("audit", "verify", "--json")
    assert (done.status, done.json) == (0, {"intact": True, "lines": 0, "broken": None})
    assert pxm("audit").err == "pxm: nothing has been audited yet.\n"


def test_registrations_and_deregistrations_are_listed(registered: Path, pxm: Pxm) -> None:
    pxm("deregister", "old-timer", "--yes")
    found = pxm("audit", "--json").json
    assert [(entry["number"], entry["action"], (entry["cluster"] or {}).get("name")) for entry in found["entries"]] == [
        (1, "make_token", None),  # there is no record yet
        (2, "register", "alone"),
        (3, "register", "old-timer"),
        (4, "edit", "old-timer"),
        (5, "deregister", "old-timer"),
    ]
    assert found["total"] == 5
    assert "root@pam!pxm-" in str(found["entries"][0])
    assert "endpoints" in str(found["entries"][3])
    assert found["entries"][0]["result"] == "done"
    table = pxm("audit").out.splitlines()
    assert table[0].split() == ["TIME", "WHO", "CLUSTER", "WHAT"]
    assert "deregister: done" in table[5]


def test_verify_names_the_first_broken_line(registered: Path, pxm: Pxm) -> None:
    assert pxm("audit", "verify").out == "The audit is intact, 4 lines.\n"
    path = registered / "state" / "audit.jsonl"
    path.write_text(path.read_text().replace("old-timer", "new-timer"))
    done = pxm("audit", "verify")
    assert done.status == 1
    assert done.out == "The audit is broken. audit.jsonl, line 3: it was changed after it was written.\n"
    assert pxm("audit", "verify", "--json").json["broken"] == {
        "file": "audit.jsonl",
        "line": 3,
        "why": "it was changed after it was written",
    }
    assert "! damaged: register" in pxm("audit").out


def test_no_secret_is_in_it(registered: Path, fleet: FleetThread) -> None:
    text = (registered / "state" / "audit.jsonl").read_text()
    secrets = [secret for cluster in fleet.clusters for secret in (cluster.password, cluster.token_secret)]
    assert not [secret for secret in secrets if secret in text]
