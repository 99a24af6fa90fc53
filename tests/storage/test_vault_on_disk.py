"""What the vault's files hold, and what becomes of them when they are damaged, full or of another's make."""

# ruff: noqa: ASYNC240 - the tests look at the files themselves

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pxm_tui.domain.errors import InvalidError, StorageError
from pxm_tui.domain.secret import Secret
from pxm_tui.services.ports import VaultMode
from pxm_tui.storage.fields import written
from pxm_tui.storage.sealing import Argon2, Key
from pxm_tui.storage.vault_file import Vault
from tests.storage.faults import failing_at
from tests.storage.samples import NOW
from tests.storage.vaults import OTHERS, PASSPHRASE, PASSWORD, SECRET, TOKEN, Make


def everything_in(directory: Path) -> bytes:
    return b"".join(entry.read_bytes() for entry in directory.rglob("*") if entry.is_file())


async def test_nothing_of_a_secret_is_in_any_file(
    make: Make, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    vault = make(passphrase=PASSPHRASE)
    await vault.put("c1", TOKEN, SECRET)
    await vault.put("c1", PASSWORD, Secret("another-s3cret"))
    await vault.put("c1", TOKEN, SECRET)
    await vault.delete("c2")
    content = everything_in(directory) + caplog.text.encode() + repr(vault).encode() + repr(vars(vault)).encode()
    for secret in (SECRET, PASSPHRASE, Secret("another-s3cret")):
        assert secret.reveal().encode() not in content
        assert secret.reveal().encode().hex().encode() not in content


async def test_the_files_are_private(make: Make, directory: Path) -> None:
    await make(passphrase=PASSPHRASE).put("c1", TOKEN, SECRET)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(entry.stat().st_mode) for entry in directory.iterdir()} == {0o600}


async def test_what_is_erased_or_replaced_is_not_in_the_copy_either(make: Make, file: Path) -> None:
    vault = make(passphrase=PASSPHRASE)
    for cluster in ("c1", "c2"):
        await vault.put(cluster, TOKEN, SECRET)
    old = [entry["box"] for entry in json.loads(file.read_bytes())["entries"]]
    await vault.delete("c1")
    await vault.put("c2", TOKEN, Secret("newer"))
    content = everything_in(file.parent)
    assert [box.encode() in content for box in old] == [False, False]


async def test_the_parameters_of_the_key_are_in_the_file(make: Make, file: Path) -> None:
    await make(argon2=Argon2).unlock(PASSPHRASE)
    parameters = json.loads(file.read_bytes())["argon2id"]
    assert (parameters["iterations"], parameters["memory_kib"], parameters["lanes"]) == (3, 65536, 4)
    assert (await make(passphrase=PASSPHRASE).state()).open


def change(file: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    content = json.loads(file.read_bytes())
    edit(content)
    file.write_text(json.dumps(content))


def swap_clusters(content: dict[str, Any]) -> None:
    first, second = content["entries"]
    first["cluster"], second["cluster"] = second["cluster"], first["cluster"]


def swap_kind(content: dict[str, Any]) -> None:
    content["entries"][0]["kind"] = PASSWORD.secret_kind


def change_account(content: dict[str, Any]) -> None:
    content["entries"][0]["kind"] = OTHERS[2].secret_kind


def change_time(content: dict[str, Any]) -> None:
    content["entries"][0]["created_at"] = "2020-01-01T00:00:00Z"


def change_box(content: dict[str, Any]) -> None:
    box = content["entries"][0]["box"]
    content["entries"][0]["box"] = ("B" if box[0] == "A" else "A") + box[1:]


def empty_box(content: dict[str, Any]) -> None:
    content["entries"][0]["box"] = ""


@pytest.mark.parametrize("edit", [swap_clusters, swap_kind, change_account, change_time, change_box, empty_box])
async def test_tampered_entries_are_refused(make: Make, file: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    vault = make(passphrase=PASSPHRASE)
    await vault.put("c1", TOKEN, SECRET)
    await vault.put("c2", TOKEN, Secret("of c2"))
    change(file, edit)
    login = PASSWORD if edit is swap_kind else OTHERS[2] if edit is change_account else TOKEN
    for reader in (make(passphrase=PASSPHRASE), vault):
        with pytest.raises(StorageError, match="changed by something else") as caught:
            await reader.get("c1", login)
        assert caught.value.cause == "secret_store"
        with pytest.raises(StorageError, match="changed by something else"):
            await reader.get("c1", login)


async def test_an_entry_of_another_vault_is_refused(make: Make, file: Path) -> None:
    await make(passphrase=PASSPHRASE).put("c1", TOKEN, Secret("of another vault"))
    (stolen,) = json.loads(file.read_bytes())["entries"]
    for entry in file.parent.iterdir():
        entry.unlink()
    await make(passphrase=PASSPHRASE).put("c1", TOKEN, SECRET)
    change(file, lambda content: content.update(entries=[stolen]))
    with pytest.raises(StorageError, match="changed by something else"):
        await make(passphrase=PASSPHRASE).get("c1", TOKEN)


@pytest.mark.parametrize("cluster", ["c1", 'with "quotes" and \\', "서울-1 \x7f\ud800", ""], ids=ascii)
def test_what_an_entry_is_sealed_for_is_told_apart_as_json_does(cluster: str) -> None:
    vault, key = Vault.new("of the test", VaultMode.KEYRING, None, Key.new())
    vault = vault.with_secret((cluster, "token"), SECRET, NOW, key)
    parts = ["pxm-tui vault entry", "of the test", cluster, "token", written(NOW)]
    assert vault.entries[cluster, "token"].about == json.dumps(parts, separators=(",", ":")).encode()
    assert vault.secret((cluster, "token"), key) == SECRET


@pytest.mark.parametrize("place", ["vault", "key", "salt"])
async def test_a_tampered_header_does_not_open(make: Make, file: Path, place: str) -> None:
    await make(passphrase=PASSPHRASE).put("c1", TOKEN, SECRET)

    def edit(content: dict[str, Any]) -> None:
        where = content["argon2id"] if place == "salt" else content
        where[place] = "A" * 24 if place == "salt" else where[place].swapcase()

    change(file, edit)
    vault = make()
    with pytest.raises(InvalidError):
        await vault.unlock(PASSPHRASE)


@pytest.mark.parametrize(
    "update",
    [
        {"format": "1"},
        {"vault": 7},
        {"format": 0},
        {"mode": "ask"},
        {"mode": "keyring"},
        {"mode": "magic"},
        {"argon2id": None},
        {"argon2id": {"iterations": 3, "memory_kib": 2**40, "lanes": 4, "salt": "c2FsdHNhbHRzYWx0"}},
        {"key": "not base64"},
        {"entries": {}},
        {"entries": [{"cluster": "c1"}]},
        {"entries": [7]},
        {"more": 1},
    ],
    ids=str,
)
async def test_a_damaged_vault_is_set_aside_and_its_copy_used(make: Make, file: Path, update: dict[str, Any]) -> None:
    first = make(passphrase=PASSPHRASE)
    await first.put("c1", TOKEN, SECRET)
    await first.put("c2", TOKEN, SECRET)
    change(file, lambda content: content.update(update))
    vault = make(passphrase=PASSPHRASE)
    assert await vault.get("c1", TOKEN) == SECRET
    (notice,) = vault.notices()
    assert "secrets.vault was damaged" in notice
    assert "1 secret." in notice
    assert len(list(file.parent.glob("secrets.vault.damaged-*"))) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"[" * 99_999], ids=["empty", "cut", "a list", "too deep"])
async def test_a_vault_that_is_no_vault_is_set_aside(make: Make, file: Path, content: bytes) -> None:
    first = make(passphrase=PASSPHRASE)
    await first.put("c1", TOKEN, SECRET)
    await first.put("c2", TOKEN, SECRET)
    file.write_bytes(content)
    assert await make(passphrase=PASSPHRASE).get("c1", TOKEN) == SECRET


async def test_a_newer_vault_is_refused_untouched(make: Make, file: Path) -> None:
    await make(passphrase=PASSPHRASE).put("c1", TOKEN, SECRET)
    change(file, lambda content: content.update(format=2))
    before = file.read_bytes()
    with pytest.raises(StorageError, match="written by a newer pxm"):
        await make(passphrase=PASSPHRASE).put("c1", TOKEN, SECRET)
    assert file.read_bytes() == before


async def test_a_vault_that_was_moved_away_is_made_anew(make: Make, file: Path) -> None:
    vault = make(passphrase=PASSPHRASE)
    await vault.put("c1", TOKEN, SECRET)
    await vault.put("c2", TOKEN, SECRET)
    file.rename(file.with_name("elsewhere"))
    assert await vault.get("c1", TOKEN) is None
    await vault.put("c3", TOKEN, Secret("fresh"))
    assert await make(passphrase=PASSPHRASE).get("c3", TOKEN) == Secret("fresh")
    assert await make(passphrase=PASSPHRASE).get("c1", TOKEN) is None


async def test_a_vault_replaced_by_another_is_opened_anew(make: Make, file: Path) -> None:
    vault = make()
    await vault.unlock(PASSPHRASE)
    await vault.put("c1", TOKEN, SECRET)
    file.unlink()
    await make().unlock(Secret("of another person"))
    assert (await vault.state()).open is False


@pytest.mark.parametrize("at", range(6))
async def test_a_full_disk_keeps_the_old_vault(make: Make, at: int) -> None:
    first = make(passphrase=PASSPHRASE)
    await first.put("c1", TOKEN, SECRET)
    full = make(passphrase=PASSPHRASE, primitives=failing_at(at))
    for work in (full.put("c2", TOKEN, SECRET), full.delete("c1"), full.put("c1", TOKEN, SECRET)):
        with pytest.raises(StorageError, match="no space left"):
            await work
    assert await make(passphrase=PASSPHRASE).get("c1", TOKEN) == SECRET
