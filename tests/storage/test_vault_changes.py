"""The vault's key changes hands, is locked away, and is remembered for a login session."""

# ruff: noqa: ASYNC240 - the tests look at the files themselves

from __future__ import annotations

import gc
import inspect
import json
import weakref
from pathlib import Path

import pytest

from pxm_tui.domain.errors import InvalidError, SecretsLockedError, StorageError
from pxm_tui.domain.secret import Secret
from pxm_tui.services.ports import VaultMode, VaultState
from pxm_tui.storage.keyholders import Keyring
from pxm_tui.storage.login_session import LoginSession
from pxm_tui.storage.notices import Notices
from pxm_tui.storage.sealing import Key
from tests.storage.fake_keyring import FakeBackend, keyring_with
from tests.storage.faults import failing_at
from tests.storage.vaults import NO_KEYRING, PASSPHRASE, PASSWORD, SECRET, TOKEN, Make

# Another holder of the key

NEW = Secret("another sesame")


@pytest.mark.parametrize("before", ["keyring", "passphrase", "ask"])
@pytest.mark.parametrize("after", list(VaultMode))
async def test_every_mode_may_follow_every_other(make: Make, before: str, after: VaultMode, file: Path) -> None:
    backend = FakeBackend()
    vault = make(secret_store=before, keyring=keyring_with(backend))
    if before == "passphrase":
        await vault.unlock(PASSPHRASE)
    await vault.put("c1", TOKEN, SECRET)
    await vault.put("c2", PASSWORD, Secret("other"))
    new = NEW if after is VaultMode.PASSPHRASE else None
    await vault.change(after, new, PASSPHRASE if before == "passphrase" else None)
    state = await vault.state()
    assert (state.mode, state.open, state.secrets) == (after, True, 2)
    assert await vault.get("c1", TOKEN) == SECRET
    assert await vault.get("c2", PASSWORD) == Secret("other")
    assert bool(backend.kept) is (after is VaultMode.KEYRING)
    if after is VaultMode.ASK:
        assert not [entry for entry in file.parent.glob("secrets.vault*") if not entry.name.endswith(".lock")]
        return
    later = make(keyring=keyring_with(backend))
    if after is VaultMode.PASSPHRASE:
        assert (await later.state()).asks is True
        await later.unlock(NEW)
    assert await later.get("c1", TOKEN) == SECRET
    assert await later.get("c2", PASSWORD) == Secret("other")


async def test_a_new_passphrase_shuts_out_the_former_one_from_file_and_copy(make: Make, file: Path) -> None:
    vault = make()
    await vault.unlock(PASSPHRASE)
    await vault.put("c1", TOKEN, SECRET)
    await vault.put("c2", TOKEN, SECRET)
    boxes = [entry["box"] for entry in json.loads(file.read_bytes())["entries"]]
    await vault.change(VaultMode.PASSPHRASE, NEW, PASSPHRASE)
    content = json.loads(file.read_bytes())
    assert [entry["box"] for entry in content["entries"]] == boxes, "the key of the entries is the same"
    assert json.loads((file.parent / "secrets.vault.bak").read_bytes()) == content
    with pytest.raises(InvalidError, match="not the passphrase"):
        await make().unlock(PASSPHRASE)
    later = make()
    await later.unlock(NEW)
    assert await later.get("c2", TOKEN) == SECRET


@pytest.mark.parametrize("current", [None, Secret("guessed")])
@pytest.mark.parametrize("mode", list(VaultMode))
async def test_only_who_knows_the_passphrase_may_change_anything(
    make: Make, file: Path, mode: VaultMode, current: Secret | None
) -> None:
    vault = make(keyring=keyring_with(FakeBackend()), secret_store="passphrase")
    await vault.unlock(PASSPHRASE)
    await vault.put("c1", TOKEN, SECRET)
    before = file.read_bytes()
    with pytest.raises(InvalidError) as caught:
        await vault.change(mode, NEW, current)
    assert (caught.value.cause, caught.value.field) == ("passphrase", "current")
    assert file.read_bytes() == before
    assert await vault.get("c1", TOKEN) == SECRET


async def test_nothing_changes_without_a_keyring_that_keeps_the_key(make: Make, file: Path) -> None:
    await make(passphrase=PASSPHRASE).put("c1", TOKEN, SECRET)
    before = file.read_bytes()

    class Liar(FakeBackend):
        def get_password(self, service: str, name: str) -> str | None:
            return super().get_password(service, name) if name.startswith("probe-") else None

    liar = Keyring(Liar, allowed=frozenset({f"{__name__}.{Liar.__qualname__}"}))
    for keyring, match in ((NO_KEYRING, "no keyring here"), (liar, "did not keep the key")):
        with pytest.raises(StorageError, match=match):
            await make(passphrase=PASSPHRASE, keyring=keyring).change(VaultMode.KEYRING, None, None)
    assert file.read_bytes() == before


async def test_a_new_passphrase_must_be_one(make: Make) -> None:
    vault = make(passphrase=PASSPHRASE)
    await vault.put("c1", TOKEN, SECRET)
    for empty in (None, Secret("")):
        with pytest.raises(InvalidError, match="empty"):
            await vault.change(VaultMode.PASSPHRASE, empty, None)


async def test_a_change_makes_the_vault_that_was_not_there(make: Make) -> None:
    vault = make()
    await vault.change(VaultMode.PASSPHRASE, NEW, None)
    assert await vault.state() == VaultState(VaultMode.PASSPHRASE, open=True, exists=True)


async def test_who_has_the_vault_open_goes_on(make: Make) -> None:
    backend = FakeBackend()
    one, two = (make(keyring=keyring_with(backend), secret_store="passphrase") for _ in range(2))
    for vault in (one, two):
        await vault.unlock(PASSPHRASE)
    await one.put("c1", TOKEN, SECRET)
    for mode, passphrase, current in (
        (VaultMode.PASSPHRASE, NEW, PASSPHRASE),
        (VaultMode.KEYRING, None, NEW),
        (VaultMode.PASSPHRASE, PASSPHRASE, None),
    ):
        await one.change(mode, passphrase, current)
        assert await two.get("c1", TOKEN) == SECRET
        await two.put("c2", TOKEN, Secret(f"put in {mode}"))
        assert await one.get("c2", TOKEN) == Secret(f"put in {mode}")
        assert (await two.state()).mode is mode


async def test_a_passphrase_file_that_is_out_of_date_is_told(make: Make, passphrase_file: Path) -> None:
    vault = make(passphrase_file=passphrase_file)
    await vault.put("c1", TOKEN, SECRET)
    await vault.change(VaultMode.PASSPHRASE, NEW, None)
    (notice,) = vault.notices()
    assert notice == f"Write the new passphrase into {passphrase_file}, which holds the former one."
    with pytest.raises(StorageError, match="is not that of the secret store"):
        await make(passphrase_file=passphrase_file).state()
    passphrase_file.write_text(NEW.reveal())
    assert await make(passphrase_file=passphrase_file).get("c1", TOKEN) == SECRET


async def test_a_vault_beside_memory_is_not_taken_for_a_new_one(make: Make) -> None:
    await make(passphrase=PASSPHRASE).put("c1", TOKEN, SECRET)
    vault = make(secret_store="ask")
    await vault.put("c2", TOKEN, SECRET)
    with pytest.raises(StorageError, match="from before, which is not in use"):
        await vault.change(VaultMode.PASSPHRASE, NEW, None)
    assert await vault.get("c2", TOKEN) == SECRET


@pytest.mark.parametrize("at", range(10))
async def test_a_full_disk_keeps_the_former_passphrase(make: Make, at: int) -> None:
    await make(passphrase=PASSPHRASE).put("c1", TOKEN, SECRET)
    full = make(primitives=failing_at(at))
    await full.unlock(PASSPHRASE)
    with pytest.raises(StorageError, match="no space left"):
        await full.change(VaultMode.PASSPHRASE, NEW, PASSPHRASE)
    assert await full.get("c1", TOKEN) == SECRET
    assert await make(passphrase=PASSPHRASE).get("c1", TOKEN) == SECRET


# Locking


def in_memory(wanted: Secret) -> int:
    """How many objects of the program hold this secret."""
    gc.collect()
    return sum(isinstance(thing, Secret) and thing == wanted for thing in gc.get_objects())


@pytest.mark.parametrize("mode", ["keyring", "passphrase", "passphrase file", "ask"])
async def test_a_lock_holds_until_somebody_ends_it(make: Make, passphrase_file: Path, mode: str) -> None:
    vault = make(
        secret_store=mode.partition(" ")[0],
        keyring=keyring_with(FakeBackend()),
        passphrase_file=passphrase_file if mode == "passphrase file" else None,
    )
    if mode == "passphrase":
        await vault.unlock(PASSPHRASE)
    await vault.put("c1", TOKEN, SECRET)
    assert vault.is_open()
    await vault.lock()
    assert not vault.is_open()
    assert (await vault.state()).open is False, "looking opens nothing, the keyring neither"
    for work in (vault.get("c1", TOKEN), vault.put("c1", TOKEN, SECRET)):
        with pytest.raises(SecretsLockedError, match="is locked"):
            await work
    state = await vault.reopen()
    assert state.open is (mode != "passphrase")
    if mode == "passphrase":
        with pytest.raises(InvalidError):
            await vault.unlock(NEW)
        assert not vault.is_open()
        await vault.unlock(PASSPHRASE)
    assert vault.is_open()
    assert await vault.get("c1", TOKEN) == (None if mode == "ask" else SECRET), "what was in memory only is forgotten"


async def test_a_lock_leaves_neither_key_nor_secret_in_memory(make: Make) -> None:
    vault, asking = make(), make(secret_store="ask")
    unique = "s3cret that no other test has"
    await vault.unlock(PASSPHRASE)
    for store in (vault, asking):
        await store.put("c1", TOKEN, Secret(unique))
        assert await store.get("c1", TOKEN) == Secret(unique)
    assert in_memory(Secret(unique)) == 1 + 1, "the one in memory, and the one asked for here"
    key = vault._sealed._opened
    assert key is not None
    holders = weakref.ref(vault._sealed)
    await vault.lock()
    await asking.lock()
    assert in_memory(Secret(unique)) == 1
    found = holders()
    assert found is not None
    others = [thing for thing in gc.get_referrers(key[1]) if thing is not key]
    assert [thing for thing in others if not inspect.iscoroutine(thing)] == [], "this test's own, from Python 3.14 on"


async def test_a_locked_vault_may_be_changed_by_who_knows_its_passphrase(make: Make) -> None:
    vault = make()
    await vault.unlock(PASSPHRASE)
    await vault.put("c1", TOKEN, SECRET)
    await vault.lock()
    with pytest.raises(InvalidError):
        await vault.change(VaultMode.PASSPHRASE, NEW, Secret("guessed"))
    assert not vault.is_open()
    await vault.change(VaultMode.PASSPHRASE, NEW, PASSPHRASE)
    assert vault.is_open()
    assert await vault.get("c1", TOKEN) == SECRET


# Remembered by the login session


class FakeSession(LoginSession):
    """A session that remembers, for who has the same `kept`."""

    def __init__(self, kept: dict[str, Key]) -> None:
        super().__init__(60, Notices())
        self.kept = kept

    def store(self, name: str, key: Key) -> bool:
        self.kept[name] = key
        return True

    def load(self, name: str) -> Key | None:
        return self.kept.get(name)

    def erase(self, name: str) -> None:
        self.kept.pop(name, None)


async def test_a_session_that_remembers_is_not_asked_again(make: Make) -> None:
    kept: dict[str, Key] = {}
    first = make(session=FakeSession(kept))
    await first.unlock(PASSPHRASE)
    await first.put("c1", TOKEN, SECRET)
    assert len(kept) == 1
    second = make(session=FakeSession(kept))
    assert await second.state() == VaultState(VaultMode.PASSPHRASE, open=True, exists=True)
    assert (await second.state()).remembers == 60
    assert await second.get("c1", TOKEN) == SECRET
    assert (await make().state()).open is False, "without the setting nothing is looked for"


async def test_a_lock_ends_what_the_session_remembers(make: Make) -> None:
    kept: dict[str, Key] = {}
    vault = make(session=FakeSession(kept))
    await vault.unlock(PASSPHRASE)
    await vault.lock()
    assert kept == {}
    assert (await make(session=FakeSession(kept)).state()).open is False
    assert (await vault.reopen()).open is False


async def test_a_changed_passphrase_ends_what_sessions_remember(make: Make) -> None:
    here: dict[str, Key] = {}
    elsewhere: dict[str, Key] = {}
    for kept in (here, elsewhere):
        await make(session=FakeSession(kept)).unlock(PASSPHRASE)
    former = dict(here)
    await make(session=FakeSession(here)).change(VaultMode.PASSPHRASE, NEW, PASSPHRASE)
    assert here.keys() == former.keys()
    assert here != former
    assert (await make(session=FakeSession(here)).state()).open
    assert (await make(session=FakeSession(elsewhere)).state()).open is False
    assert elsewhere == {}, "a key that opens nothing is not kept"
    await make(session=FakeSession(here), keyring=keyring_with(FakeBackend())).change(VaultMode.KEYRING, None, NEW)
    assert here == {}


async def test_a_passphrase_from_a_file_is_not_remembered(make: Make, passphrase_file: Path) -> None:
    kept: dict[str, Key] = {}
    await make(session=FakeSession(kept), passphrase_file=passphrase_file).put("c1", TOKEN, SECRET)
    assert (await make(session=FakeSession(kept), passphrase_file=passphrase_file).state()).open
    assert kept == {}
