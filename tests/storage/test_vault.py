"""The vault: its modes, who may open it, what is in its files, and other processes."""

# ruff: noqa: ASYNC240 - the tests look at the files themselves

from __future__ import annotations

import asyncio
import fcntl
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from pxm_tui.domain import messages
from pxm_tui.domain.cluster import Cluster, Login
from pxm_tui.domain.errors import InvalidError, StorageError
from pxm_tui.domain.secret import Secret
from pxm_tui.services.ports import SecretStore, VaultMode, VaultState
from pxm_tui.storage.keyholders import Keyring
from pxm_tui.storage.sealing import Argon2, Key
from tests.storage.fake_keyring import FakeBackend, class_named, keyring_with
from tests.storage.samples import NOW, make_cluster
from tests.storage.vaults import OTHERS, PASSPHRASE, PASSWORD, SECRET, TOKEN, Make


def everything_in(directory: Path) -> bytes:
    return b"".join(entry.read_bytes() for entry in directory.rglob("*") if entry.is_file())


# What every mode does


@pytest.fixture(params=["keyring", "passphrase", "passphrase file", "memory passphrase", "ask", "chosen ask"])
async def store(request: pytest.FixtureRequest, make: Make, passphrase_file: Path) -> SecretStore:
    if request.param == "keyring":
        return make(keyring=keyring_with(FakeBackend()))
    if request.param == "passphrase file":
        return make(passphrase_file=passphrase_file)
    if request.param == "memory passphrase":
        return make(passphrase=PASSPHRASE)
    vault = make(secret_store="ask" if request.param == "ask" else "auto")
    if request.param == "passphrase":
        await vault.unlock(PASSPHRASE)
    elif request.param == "chosen ask":
        await vault.choose_ask()
    return vault


async def test_a_secret_is_kept(store: SecretStore) -> None:
    assert await store.get("c1", TOKEN) is None
    await store.put("c1", TOKEN, SECRET)
    assert await store.get("c1", TOKEN) == SECRET
    assert await store.get("c1", PASSWORD) is None
    assert await store.get("c2", TOKEN) is None
    assert (await store.state()).open is True


async def test_a_secret_is_replaced(store: SecretStore) -> None:
    await store.put("c1", TOKEN, SECRET)
    await store.put("c1", TOKEN, Secret("newer"))
    assert await store.get("c1", TOKEN) == Secret("newer")


async def test_all_secrets_of_a_cluster_are_erased(store: SecretStore) -> None:
    for cluster in ("c1", "c2"):
        await store.put(cluster, TOKEN, SECRET)
        await store.put(cluster, PASSWORD, SECRET)
    await store.delete("c1")
    await store.delete("nobody")
    assert [await store.get("c1", login) for login in (TOKEN, PASSWORD)] == [None, None]
    assert [await store.get("c2", login) for login in (TOKEN, PASSWORD)] == [SECRET, SECRET]


def records(*names: str, login: Login = TOKEN) -> Callable[[], tuple[Cluster, ...]]:
    """A registry that has these clusters."""
    found = tuple(make_cluster(id=name, login=login) for name in names)
    return lambda: found


async def test_strangers_are_swept_when_old_enough(store: SecretStore) -> None:
    for cluster in ("c1", "c2"):
        await store.put(cluster, TOKEN, SECRET)
    assert await store.sweep(records("c1"), NOW) == 0, "made at NOW, not before"
    assert await store.sweep(records("c1", "c2"), NOW + timedelta(days=1)) == 0
    assert await store.sweep(records("c1"), NOW + timedelta(seconds=1)) == 1
    assert await store.get("c1", TOKEN) == SECRET
    assert await store.get("c2", TOKEN) is None


async def test_a_secret_is_of_one_login_and_stays_beside_those_of_others(store: SecretStore) -> None:
    for number, login in enumerate((TOKEN, *OTHERS)):
        assert await store.get("c1", login) is None
        await store.put("c1", login, Secret(f"secret {number}"))
    await store.delete("c1", PASSWORD)
    found = [await store.get("c1", login) for login in (TOKEN, *OTHERS)]
    assert found == [None if number == 1 else Secret(f"secret {number}") for number in range(6)]


async def test_what_is_of_no_record_s_login_is_swept_when_old_enough(store: SecretStore) -> None:
    for login in (TOKEN, *OTHERS):
        await store.put("c1", login, SECRET)
    assert await store.sweep(records("c1", login=OTHERS[1]), NOW) == 0
    assert await store.sweep(records("c1", login=OTHERS[1]), NOW + timedelta(seconds=1)) == len(OTHERS)
    found = [await store.get("c1", login) for login in (TOKEN, *OTHERS)]
    assert found == [SECRET if login is OTHERS[1] else None for login in (TOKEN, *OTHERS)]


async def test_a_registry_that_cannot_be_read_sweeps_nothing(store: SecretStore) -> None:
    def unreadable() -> tuple[Cluster, ...]:
        raise messages.storage_unusable("/data", "it is damaged")

    await store.put("c1", TOKEN, SECRET)
    with pytest.raises(StorageError):
        await store.sweep(unreadable, NOW + timedelta(days=1))
    assert await store.get("c1", TOKEN) == SECRET


async def test_a_sweep_goes_by_the_registry_at_the_moment_at_which_nobody_else_can_write(
    make: Make, directory: Path
) -> None:
    """Another process has put a secret and saved its record while the sweep was waiting for the lock."""
    vault = make(passphrase=PASSPHRASE)
    await vault.put("c1", TOKEN, SECRET)
    await vault.put("c2", TOKEN, SECRET)
    looks: list[bool] = []

    def look() -> tuple[Cluster, ...]:
        with (directory / "secrets.vault.lock").open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                looks.append(True)
                return (make_cluster(id="c1", login=TOKEN),)
        looks.append(False)
        return ()

    assert await vault.sweep(look, NOW + timedelta(days=1)) == 1
    assert looks == [False, True], "a first look without the lock, and one under it"
    assert await vault.get("c1", TOKEN) == SECRET


# Which mode


async def test_auto_takes_the_keyring(make: Make, passphrase_file: Path) -> None:
    backend = FakeBackend()
    vault = make(keyring=keyring_with(backend), passphrase_file=passphrase_file)
    assert await vault.state() == VaultState(VaultMode.KEYRING, open=True, exists=False)
    await vault.put("c1", TOKEN, SECRET)
    assert await vault.state() == VaultState(VaultMode.KEYRING, open=True, exists=True)
    assert len(backend.kept) == 1
    again = make(keyring=keyring_with(backend))
    assert await again.state() == VaultState(VaultMode.KEYRING, open=True, exists=True)
    assert await again.get("c1", TOKEN) == SECRET


async def test_auto_takes_the_passphrase_file_where_there_is_no_keyring(make: Make, passphrase_file: Path) -> None:
    vault = make(passphrase_file=passphrase_file)
    assert await vault.state() == VaultState(VaultMode.PASSPHRASE, open=True, exists=False)
    await vault.put("c1", TOKEN, SECRET)
    assert await make(passphrase_file=passphrase_file).get("c1", TOKEN) == SECRET


async def test_auto_leaves_the_choice_to_a_person(make: Make, directory: Path) -> None:
    vault = make()
    assert await vault.state() == VaultState(None, open=False, exists=False)
    assert await vault.get("c1", TOKEN) is None
    with pytest.raises(StorageError) as caught:
        await vault.put("c1", TOKEN, SECRET)
    assert caught.value.cause == "secret_store"
    assert "PXM_VAULT_PASSPHRASE_FILE" in caught.value.do
    assert SECRET.reveal().encode() not in everything_in(directory)
    await vault.unlock(PASSPHRASE)
    assert await vault.state() == VaultState(VaultMode.PASSPHRASE, open=True, exists=True)


async def test_auto_opens_a_vault_by_its_own_key_holder(make: Make) -> None:
    await make().unlock(PASSPHRASE)
    later = make(keyring=keyring_with(FakeBackend()))
    assert await later.state() == VaultState(VaultMode.PASSPHRASE, open=False, exists=True)


async def test_a_passphrase_in_memory_touches_no_keyring(make: Make) -> None:
    backend = FakeBackend(broken=AssertionError("asked"))
    vault = make(passphrase=PASSPHRASE, keyring=keyring_with(backend), secret_store="passphrase")
    await vault.put("c1", TOKEN, SECRET)
    assert await vault.state() == VaultState(VaultMode.PASSPHRASE, open=True, exists=True)


async def test_the_keyring_when_it_must_be(make: Make) -> None:
    with pytest.raises(StorageError, match="no keyring here"):
        await make(secret_store="keyring").state()
    with pytest.raises(StorageError, match="no keyring here"):
        await make(secret_store="keyring").put("c1", TOKEN, SECRET)
    assert (await make(secret_store="keyring", keyring=keyring_with(FakeBackend())).state()).open


async def test_a_passphrase_when_it_must_be(make: Make, passphrase_file: Path) -> None:
    keyring = keyring_with(FakeBackend())
    assert await make(secret_store="passphrase", keyring=keyring).state() == VaultState(
        VaultMode.PASSPHRASE, open=False, exists=False
    )
    with pytest.raises(StorageError, match="no passphrase yet"):
        await make(secret_store="passphrase", keyring=keyring).put("c1", TOKEN, SECRET)
    vault = make(secret_store="passphrase", keyring=keyring, passphrase_file=passphrase_file)
    assert (await vault.state()).open


async def test_a_keyring_that_hangs_hangs_nobody(make: Make) -> None:
    asleep = threading.Event()
    vault = make(keyring=Keyring(lambda: asleep.wait(10), seconds=0.01))
    assert await vault.state() == VaultState(None, open=False, exists=False)
    assert await vault.state() == VaultState(None, open=False, exists=False)
    asleep.set()


async def test_slow_work_is_done_off_the_loop(make: Make) -> None:
    threads = set()

    def argon2() -> Argon2:
        threads.add(threading.current_thread())
        return Argon2(1, 64, 1)

    class WatchedBackend(FakeBackend):
        def get_password(self, service: str, name: str) -> str | None:
            threads.add(threading.current_thread())
            return super().get_password(service, name)

    await make(argon2=argon2).unlock(PASSPHRASE)
    keyring = Keyring(WatchedBackend, allowed=frozenset({f"{__name__}.{WatchedBackend.__qualname__}"}))
    assert keyring.usable()
    assert len(threads) == 2
    assert threading.current_thread() not in threads


async def test_plain_text_keyrings_are_passed_over(make: Make, passphrase_file: Path) -> None:
    plain = class_named("keyrings.alt.file", "PlaintextKeyring")
    vault = make(keyring=keyring_with(plain), passphrase_file=passphrase_file)
    await vault.put("c1", TOKEN, SECRET)
    assert (await vault.state()).mode is VaultMode.PASSPHRASE
    assert plain.kept == {}


async def test_ask_leaves_no_file(make: Make, directory: Path) -> None:
    vault = make(secret_store="ask")
    await vault.put("c1", TOKEN, SECRET)
    assert await vault.state() == VaultState(VaultMode.ASK, open=True, exists=False)
    assert not directory.exists()
    assert await make(secret_store="ask").get("c1", TOKEN) is None


async def test_what_was_in_memory_goes_into_a_vault_made_later(make: Make) -> None:
    vault = make()
    await vault.choose_ask()
    await vault.put("c1", TOKEN, SECRET)
    await vault.unlock(PASSPHRASE)
    assert await make(passphrase=PASSPHRASE).get("c1", TOKEN) == SECRET


# Opening


async def test_a_vault_is_opened_with_its_passphrase_only(make: Make) -> None:
    first = make()
    await first.unlock(PASSPHRASE)
    await first.put("c1", TOKEN, SECRET)
    vault = make()
    assert (await vault.state()).open is False
    with pytest.raises(StorageError, match="locked"):
        await vault.get("c1", TOKEN)
    with pytest.raises(StorageError, match="locked"):
        await vault.put("c1", TOKEN, Secret("other"))
    assert await vault.get("nobody", TOKEN) is None, "what is not there needs no key"
    for wrong in (Secret("open sesame"), Secret("")):
        with pytest.raises(InvalidError) as caught:
            await vault.unlock(wrong)
        assert (caught.value.cause, caught.value.field) == ("passphrase", "passphrase")
    assert (await vault.state()).open is False
    await vault.unlock(PASSPHRASE)
    assert await vault.get("c1", TOKEN) == SECRET


async def test_a_locked_vault_is_erased_from_and_swept(make: Make) -> None:
    first = make(passphrase=PASSPHRASE)
    for cluster in ("c1", "c2", "c3"):
        await first.put(cluster, TOKEN, SECRET)
    locked = make()
    await locked.delete("c1")
    assert await locked.sweep(records("c2"), NOW + timedelta(minutes=1)) == 1
    assert (await locked.state()).open is False
    found = [await first.get(cluster, TOKEN) for cluster in ("c1", "c2", "c3")]
    assert found == [None, SECRET, None]


async def test_a_wrong_passphrase_file_is_an_error_not_a_question(make: Make, passphrase_file: Path) -> None:
    await make(passphrase=PASSPHRASE).put("c1", TOKEN, SECRET)
    passphrase_file.write_text("another")
    for vault in (make(passphrase_file=passphrase_file), make(passphrase=Secret("another"))):
        with pytest.raises(StorageError, match="is not that of the secret store") as caught:
            await vault.state()
        assert "another" not in caught.value.message.replace("Name another", "")
    passphrase_file.chmod(0o644)
    with pytest.raises(StorageError, match="open to other users"):
        await make(passphrase_file=passphrase_file).get("c1", TOKEN)


async def test_a_keyring_that_lost_the_key_or_has_another(make: Make) -> None:
    backend = FakeBackend()
    await make(keyring=keyring_with(backend)).put("c1", TOKEN, SECRET)
    (place,) = backend.kept
    backend.kept[place] = backend.kept[place][::-1].replace("=", "") + "="
    with pytest.raises(StorageError, match=r"is not that of the secret store|does not hold"):
        await make(keyring=keyring_with(backend)).get("c1", TOKEN)
    backend.kept.clear()
    with pytest.raises(StorageError, match="does not hold the key"):
        await make(keyring=keyring_with(backend)).state()
    with pytest.raises(StorageError, match="in the keyring"):
        await make(keyring=keyring_with(backend)).unlock(PASSPHRASE)


async def test_a_keyring_that_is_locked_now_may_be_unlocked_later(make: Make) -> None:
    backend = FakeBackend()
    await make(keyring=keyring_with(backend)).put("c1", TOKEN, SECRET)
    vault = make(keyring=keyring_with(backend))
    backend.broken = RuntimeError("locked")
    with pytest.raises(StorageError, match="keyring refused"):
        await vault.get("c1", TOKEN)
    backend.broken = None
    assert await vault.get("c1", TOKEN) == SECRET


async def test_opening_costs_one_run_of_the_key_derivation_and_reading_none(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[int] = []
    derive = Argon2.derive

    def counted(argon2: Argon2, passphrase: Secret) -> Key:
        runs.append(threading.get_ident())
        return derive(argon2, passphrase)

    await make(passphrase=PASSPHRASE).put("c1", TOKEN, SECRET)
    monkeypatch.setattr(Argon2, "derive", counted)
    vault = make()
    assert (await vault.state()).open is False
    await vault.unlock(PASSPHRASE)
    for number in range(20):
        await vault.put(f"c{number}", TOKEN, SECRET)
        assert await vault.get(f"c{number}", TOKEN) == SECRET
    assert (await vault.state()).open
    assert len(runs) == 1
    assert threading.get_ident() not in runs, "in a thread"


# Others


async def test_two_processes_see_each_other_and_lose_nothing(make: Make) -> None:
    one, two = make(passphrase=PASSPHRASE), make(passphrase=PASSPHRASE)
    await one.put("c1", TOKEN, SECRET)
    assert await two.get("c1", TOKEN) == SECRET
    await asyncio.gather(
        *(one.put(f"a{number}", TOKEN, SECRET) for number in range(10)),
        *(two.put(f"b{number}", TOKEN, SECRET) for number in range(10)),
    )
    for vault in (one, two):
        for number in range(10):
            assert await vault.get(f"a{number}", TOKEN) == await vault.get(f"b{number}", TOKEN) == SECRET


async def test_two_first_puts_make_one_vault(make: Make) -> None:
    backend = FakeBackend()
    vaults = [make(keyring=keyring_with(backend)) for _ in range(4)]
    await asyncio.gather(*(vault.put(f"c{number}", TOKEN, SECRET) for number, vault in enumerate(vaults)))
    reader = make(keyring=keyring_with(backend))
    assert [await reader.get(f"c{number}", TOKEN) for number in range(4)] == [SECRET] * 4


async def test_two_first_passphrases_make_one_vault(make: Make) -> None:
    answers = await asyncio.gather(*(make().unlock(Secret(text)) for text in ("one", "two")), return_exceptions=True)
    assert [type(answer) for answer in answers if answer] == [InvalidError]


async def test_a_cancelled_put_is_still_whole(make: Make) -> None:
    vault = make(passphrase=PASSPHRASE)
    putting = asyncio.ensure_future(vault.put("c1", TOKEN, SECRET))
    await asyncio.sleep(0)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    vault.close()
    assert await make(passphrase=PASSPHRASE).get("c1", TOKEN) == SECRET
