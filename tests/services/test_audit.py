"""What the services write down, and that no secret can be."""

from __future__ import annotations

from typing import Any

import pytest

from pxm_tui.domain.errors import StorageError
from pxm_tui.domain.observation import Snapshot
from pxm_tui.domain.secret import Secret
from pxm_tui.services.audit import Audit
from pxm_tui.services.journal import Journal
from pxm_tui.services.ports import Credentials
from pxm_tui.services.requests import RegistrationRequest
from tests.fakes import ANNA, FakeAuditLog, FakeServer, StillClock, certificate, cluster, make_bench
from tests.services.recorder import Recorder

PROD = cluster("fra-prod-1")
HOST = "10.20.0.11"


def audit() -> tuple[Audit, FakeAuditLog, Journal]:
    clock, log = StillClock(), FakeAuditLog()
    journal = Journal(clock)
    return Audit(log, ANNA, clock, journal), log, journal


async def test_an_entry_says_when_who_where_what_and_how_it_ended() -> None:
    found, log, _ = audit()
    await found.record("guest_start", PROD, upid="UPID:pve1:0001:", guest=100)
    assert log.kept[0].to_json() == {
        "number": 1,
        "time": "2026-11-22T14:02:10Z",
        "user": "anna",
        "from": {"host": "jump1", "tty": "pts/3", "ssh": "10.1.2.3", "login": ""},
        "cluster": {"id": PROD.id, "name": "fra-prod-1"},
        "action": "guest_start",
        "result": "done",
        "upid": "UPID:pve1:0001:",
        "facts": {"guest": 100},
    }


@pytest.mark.parametrize("value", [Secret("s3cret"), b"s3cret", None, ["s3cret"], type("Text", (str,), {})("s3cret")])
async def test_nothing_but_texts_and_numbers_is_taken(value: Any) -> None:
    found, log, _ = audit()
    with pytest.raises(TypeError) as raised:
        await found.record("mint", PROD, token=value)
    assert "s3cret" not in str(raised.value)
    assert log.kept == []


async def test_texts_are_one_line() -> None:
    found, log, _ = audit()
    await found.record("edit", None, name="a\n\x1b[31mb")
    assert log.kept[0].facts == (("name", "a [31mb"),)
    assert log.kept[0].to_json()["cluster"] is None


async def test_an_audit_that_cannot_be_written_does_not_undo_what_was_done() -> None:
    found, log, journal = audit()
    log.error = StorageError("storage_unusable", "Cannot write /x (no space left).")
    await found.record("deregister", PROD)
    entry = journal.entries()[-1]
    assert entry.failure
    assert entry.text == "deregister: done; not in the audit: Cannot write /x (no space left)."


async def test_every_change_to_the_registry_is_audited() -> None:
    server = FakeServer(trusted_by_system=True)
    bench = make_bench(servers={HOST: server})
    service = bench.services.clusters
    request = RegistrationRequest.model_validate(
        {"endpoint": HOST, "user": "root@pam", "password": "right-password", "name": "fra", "mint_token": False}
    )
    found = (await service.register(request, Recorder())).cluster
    token = Credentials(found.login.method.TOKEN, "monitor@pve", Secret("right-secret"), "monitor@pve!pxm")
    await service.log_in_again(found.id, token, Snapshot(found.id), Recorder())
    server.certificate = certificate(seed=2)
    await service.trust_again(found.id, server.certificate, Snapshot(found.id), Recorder())
    await service.deregister(found.id)
    assert [entry.action for entry in bench.audit.kept] == ["register", "log_in_again", "trust_again", "deregister"]
    assert {entry.cluster_id for entry in bench.audit.kept} == {found.id}
    assert dict(bench.audit.kept[2].facts)["fingerprint"] == server.certificate.sha256
    assert dict(bench.audit.kept[3].facts)["left_over"] == "pveum user token remove monitor@pve pxm"
    assert "right-" not in repr(bench.audit.kept)


async def test_what_changes_nothing_is_not_audited() -> None:
    bench = make_bench([PROD], servers={HOST: FakeServer()})
    service = bench.services.clusters
    request = RegistrationRequest.model_validate(
        {
            "endpoint": HOST,
            "user": "root@pam",
            "password": "right-password",
            "name": "fra",
            "fingerprint": certificate().sha256,
        }
    )
    await service.register(request, Recorder(), dry_run=True)
    await service.check(PROD.id, Snapshot(PROD.id), Recorder())
    wrong = Credentials(PROD.login.method, "monitor@pve", Secret("wrong"), "monitor@pve!pxm")
    await service.log_in_again(PROD.id, wrong, Snapshot(PROD.id), Recorder())
    assert bench.audit.kept == []
