"""A vault and a registry from before each secret had an id: they go on, and go forward at the next login."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pxm_tui.domain.cluster import Cluster, LoginMethod
from pxm_tui.services.ports import SecretStore
from tests.fakes import StillClock, cluster
from tests.storage.logins import OLD, PASTED, ROOT, Process, make_servers, registered

VAULT_OF_BEFORE = {
    "format": 1,
    "vault": "f0e32f1c-e23c-427a-af53-f1a47bf66087",
    "mode": "passphrase",
    "argon2id": {"iterations": 1, "memory_kib": 64, "lanes": 1, "salt": "wLBy8Jjr7hp8bhY1vWsBQw=="},
    "key": "jIL9YAQyIv3xCTGY98tuK/CiuDaanZNxPjIUmqxIrok6Wc4Ux6p7yC46T827cYdDIg9edn/cMazfQU8n",
    "entries": [
        {
            "cluster": "550e8400-e29b-41d4-a716-446655400001",
            "kind": "token",
            "created_at": "2026-11-22T10:30:00Z",
            "box": "KXaaf7yQPZv2bS0rJNXJYupA6Ry88RhOK5fuhW6OfzSapyXqwTsOpw==",
        },
        {
            "cluster": "550e8400-e29b-41d4-a716-446655400002",
            "kind": "password",
            "created_at": "2026-11-22T10:30:00Z",
            "box": "0I0QcWChqJ7FJx9ajhtXiNQxYHPmcjJh2LcxsVoJyYCwd4PGDVQ=",
        },
    ],
}
"""As an earlier pxm has written it."""

FIRST, SECOND = registered(None), cluster("second", number=2, host="10.20.0.12", method=LoginMethod.PASSWORD)


async def prepare(directory: Path) -> None:
    """The files as an earlier pxm has left them, long ago."""
    process = Process(directory, {}, StillClock())
    for record in (FIRST, SECOND):
        await process.repository.save(record)
    process.close()
    (directory / "secrets.vault").write_text(json.dumps(VAULT_OF_BEFORE))
    registry = directory / "clusters.json"
    content: dict[str, Any] = json.loads(registry.read_bytes()) | {"format": 2}
    for document in content["clusters"].values():
        del document["kept"]["secret_id"]
    registry.write_text(json.dumps(content))


async def secrets_of(store: SecretStore, *records: Cluster) -> list[str | None]:
    """What the records' logins find."""
    found = [await store.get(record.id, record.login) for record in records]
    return [None if secret is None else secret.reveal() for secret in found]


def kinds(directory: Path) -> list[str]:
    """Of the entries in the file, and in its copy: nothing that was erased is in there."""
    files = [directory / "secrets.vault", directory / "secrets.vault.bak"]
    return [entry["kind"] for file in files for entry in json.loads(file.read_bytes())["entries"]]


async def test_secrets_of_before_are_found_by_the_records_of_then_and_not_swept(tmp_path: Path) -> None:
    await prepare(tmp_path)
    clock = StillClock()
    clock.advance(86_400)
    process = Process(tmp_path, {}, clock)
    await process.means.sweep()
    records = await process.repository.list()
    assert [record.login.secret_id for record in records] == [None, None]
    assert await secrets_of(process.secrets, *records) == ["right-secret", "of another"]
    process.close()


async def test_the_next_login_has_a_secret_of_its_own_and_the_one_of_before_goes(tmp_path: Path) -> None:
    await prepare(tmp_path)
    process = Process(tmp_path, make_servers(), StillClock())
    stored = (await process.change(FIRST, PASTED)).cluster
    assert await secrets_of(process.secrets, stored, FIRST, SECOND) == ["pasted-secret", None, "of another"]
    assert kinds(tmp_path) == ["password", stored.login.secret_kind] * 2
    assert stored.login.secret_kind == f"token {stored.login.secret_id} monitor@pve!pxm"
    again = (await process.change(stored, ROOT)).cluster
    assert await secrets_of(process.secrets, again, stored, FIRST) == ["right-password", None, None]
    process.close()


async def test_a_new_login_never_takes_the_secret_of_before_for_its_own(tmp_path: Path) -> None:
    """Also where the one of before was left, as by a kill: a secret goes to nobody but whom it is for."""
    await prepare(tmp_path)
    process = Process(tmp_path, make_servers(), StillClock())
    stored = (await process.change(FIRST, PASTED)).cluster
    await process.secrets.put(FIRST.id, FIRST.login, ROOT.secret)
    await process.secrets.delete(stored.id, stored.login)
    assert await secrets_of(process.secrets, stored) == [None]
    assert OLD not in stored.login.secret_kind
    process.close()
