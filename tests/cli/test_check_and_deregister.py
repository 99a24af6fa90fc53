"""`pxm check` and `pxm deregister`, against clusters that are well, in trouble, gone or changed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pxm_tui.simulator.thread import FleetThread
from tests.cli.conftest import Pxm


def test_all_are_well(pxm: Pxm, registered: Path) -> None:
    done = pxm("check", "--json")
    assert (done.status, done.err) == (0, "")
    assert list(done.json) == ["clusters", "total"]
    assert done.json["total"] == 2
    for found in done.json["clusters"]:
        assert list(found) == ["cluster", "steps"]
        assert found["cluster"]["status"] == "healthy"
        assert [step["name"] for step in found["steps"]] == [
            "address", "connect", "certificate", "proxmox", "login", "version", "discovery",
        ]  # fmt: skip
    assert [found["cluster"]["name"] for found in done.json["clusters"]] == ["alone", "old-timer"]


def test_one_prints_its_report_and_several_a_table(pxm: Pxm, registered: Path) -> None:
    one = pxm("check", "alone")
    assert (one.status, one.err) == (0, "")
    lines = one.out.splitlines()
    assert lines[0].startswith("pxm ")
    assert " check of alone, " in lines[0]
    assert lines[-1].startswith("discovery    ok")
    assert pxm("check", "alone", "ALONE").out.splitlines()[0] != ""
    several = pxm("check", "old-timer", "alone")
    assert [line.split()[0] for line in several.out.splitlines()] == ["NAME", "old-timer", "alone"]


def test_a_name_that_is_unknown_is_said_before_anything_is_contacted(
    pxm: Pxm, registered: Path, fleet: FleetThread
) -> None:
    before = fleet.clusters[1].request_count
    done = pxm("check", "alone", "nobody", "--json")
    assert (done.status, done.json["error"]["code"]) == (3, "not_found")
    assert fleet.clusters[1].request_count == before


def test_nothing_to_check(pxm: Pxm) -> None:
    assert pxm("check", "--json").json == {"clusters": [], "total": 0}
    done = pxm("check")
    assert (done.status, done.out) == (0, "")


def go_offline(fleet: FleetThread) -> None:
    fleet.clusters[0].take_offline(fleet.clusters[0].nodes[1])


def refuse_one(fleet: FleetThread) -> None:
    fleet.clusters[0].stop_listening()


def refuse_both(fleet: FleetThread) -> None:
    for cluster in fleet.clusters:
        cluster.stop_listening()


def refuse_one_and_expire_the_other(fleet: FleetThread) -> None:
    fleet.clusters[0].stop_listening()
    fleet.clusters[1].expire_token(fleet.clusters[1].token_id)


@pytest.mark.parametrize(
    ("trouble", "status", "states"),
    [
        (go_offline, 0, ["degraded", "healthy"]),
        (refuse_one, 7, ["unreachable", "healthy"]),
        (refuse_both, 7, ["unreachable", "unreachable"]),
        (refuse_one_and_expire_the_other, 10, ["unreachable", "unauthorized"]),
    ],
)
def test_the_exit_status_of_several(
    pxm: Pxm, pair: FleetThread, trouble: Callable[[FleetThread], None], status: int, states: list[str]
) -> None:
    trouble(pair)
    done = pxm("check", "--json")
    assert done.status == status
    assert [found["cluster"]["status"] for found in done.json["clusters"]] == states
    assert [record["status"] for record in pxm("list", "--json").json["clusters"]] == states


def test_a_failure_in_words(pxm: Pxm, pair: FleetThread) -> None:
    refuse_one(pair)
    done = pxm("check")
    assert done.status == 7
    assert "unreachable: refused" in done.out
    assert "not run" in done.out
    assert "refuses port" in done.err
    alone = pxm("check", "one")
    assert alone.status == 7
    assert "connect      failed" in alone.out


def test_a_changed_certificate(pxm: Pxm, pair: FleetThread) -> None:
    pair.clusters[0].reissue()
    assert pxm("check", "one", "--json").status == 0, "a renewal of the cluster's own authority"
    pair.clusters[0].replace_authority()
    pair.clusters[0].forget_requests()
    done = pxm("check", "one", "--json")
    assert done.status == 6
    assert done.json["clusters"][0]["cluster"]["status"] == "untrusted"
    assert pair.clusters[0].request_count == 0


def test_secrets_that_are_gone_are_a_login_that_failed(pxm: Pxm, registered: Path) -> None:
    for path in registered.glob("secrets.vault*"):
        path.unlink()
    done = pxm("check", "alone", "--json")
    assert done.status == 5
    assert done.json["clusters"][0]["cluster"]["error"]["cause"] == "secret_missing"


def test_a_vault_that_nobody_can_open(pxm: Pxm, registered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PXM_VAULT_PASSPHRASE_FILE")
    done = pxm("check", "--json")
    assert (done.status, done.json["error"]["code"]) == (9, "storage_unusable")
    assert "PXM_VAULT_PASSPHRASE_FILE" in done.json["error"]["hint"]


def test_a_wrong_passphrase_file(pxm: Pxm, registered: Path, tmp_path: Path) -> None:
    (tmp_path / "passphrase").write_text("not the passphrase\n")
    done = pxm("check", "--json")
    assert (done.status, done.json["error"]["code"]) == (9, "storage_unusable")
    assert "not the passphrase" not in done.out


def test_registering_without_a_secret_store_ends_with_a_hint(
    pxm: Pxm, fleet: FleetThread, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.cli.conftest import register_arguments

    monkeypatch.delenv("PXM_VAULT_PASSPHRASE_FILE")
    done = pxm(*register_arguments(fleet, 1, "x", "--json"), stdin=f"{fleet.clusters[1].password}\n")
    assert (done.status, done.json["error"]["code"]) == (9, "storage_unusable")
    assert "PXM_VAULT_PASSPHRASE_FILE" in done.json["error"]["hint"]
    assert not (environment / "clusters.json").exists()
    assert not (environment / "secrets.vault").exists()


def test_a_passphrase_file_that_others_can_read_is_refused(pxm: Pxm, registered: Path, tmp_path: Path) -> None:
    (tmp_path / "passphrase").chmod(0o644)
    assert pxm("check", "--json").status == 9


def test_a_refused_login_is_tried_again_only_by_name(pxm: Pxm, pair: FleetThread) -> None:
    cluster = pair.clusters[0]
    cluster.expire_token(cluster.token_id)
    assert pxm("check", "--json").status == 5
    cluster.forget_requests()
    again = pxm("check", "--json")
    assert again.status == 5
    held, other = again.json["clusters"]
    assert held["cluster"]["status"] == "unauthorized"
    assert [step["state"] for step in held["steps"]] == [*["skipped"] * 4, "failed", "skipped", "skipped"]
    assert "fail2ban" in held["steps"][4]["hint"]
    assert other["cluster"]["status"] == "healthy"
    assert cluster.request_count == 0
    assert pxm("check", "one", "--json").status == 5
    assert cluster.request_count > 0


# Deregistering


def test_deregistering_prints_what_is_left(pxm: Pxm, registered: Path) -> None:
    record = pxm("show", "old-timer", "--json").json
    done = pxm("deregister", "old-timer", "--yes", "--keep-token", "--json")
    assert (done.status, done.err) == (0, "")
    user, _, token = record["login"]["token_id"].partition("!")
    assert done.json == {
        "id": record["id"],
        "name": "old-timer",
        "revoked": None,
        "cleanup": [f"pveum user token remove {user} {token}"],
    }
    assert [found["name"] for found in pxm("list", "--json").json["clusters"]] == ["alone"]
    words = pxm("deregister", "alone", "--yes")
    assert words.status == 0
    assert words.out.startswith("Deregistered alone")


def test_deregistering_asks_and_without_a_terminal_that_is_wrong_usage(pxm: Pxm, registered: Path) -> None:
    done = pxm("deregister", "alone", "--json")
    assert (done.status, done.json["error"]["code"]) == (2, "invalid")
    assert "--yes" in done.json["error"]["hint"]
    assert pxm("list", "--json").json["total"] == 2


def test_deregistering_an_unknown_cluster(pxm: Pxm, registered: Path) -> None:
    assert pxm("deregister", "nobody", "--yes", "--json").status == 3


def test_deregistering_works_when_the_cluster_is_dead_and_the_vault_closed(
    pxm: Pxm, pair: FleetThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_both(pair)
    monkeypatch.delenv("PXM_VAULT_PASSPHRASE_FILE")
    assert pxm("deregister", "one", "--yes").status == 0
    assert pxm("list", "--json").json["total"] == 1


def test_a_copied_directory_is_the_same_registry(pxm: Pxm, registered: Path, tmp_path: Path) -> None:
    shutil.copytree(registered, tmp_path / "copy")
    here, there = pxm("list", "--json"), pxm("--data-dir", str(tmp_path / "copy"), "list", "--json")
    assert here.json == there.json
