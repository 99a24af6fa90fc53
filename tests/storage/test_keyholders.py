"""Keyrings and passphrase files: which are taken, and what becomes of the others."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring as keyring_package
import pytest
from keyring.backends import fail, null

from pxm_tui.domain.errors import StorageError
from pxm_tui.domain.secret import Secret
from pxm_tui.storage.keyholders import ALLOWED_BACKENDS, Keyring, read_passphrase
from pxm_tui.storage.sealing import Key
from tests.storage.fake_keyring import FakeBackend, ForgetfulBackend, class_named, keyring_with

NULL, FAIL = null.Keyring(), fail.Keyring()  # type: ignore[no-untyped-call]
CHAINER = ("keyring.backends.chainer", "ChainerBackend")


def test_a_key_is_kept_and_found() -> None:
    backend = FakeBackend()
    keyring, key = keyring_with(backend), Key.new()
    assert keyring.usable()
    assert backend.kept == {}, "the probe leaves nothing behind"
    keyring.store("vault-1", key)
    found = keyring.load("vault-1")
    assert found is not None
    assert found.to_text() == key.to_text()
    assert keyring.load("vault-2") is None


@pytest.mark.parametrize(
    "backend",
    [
        NULL,
        FAIL,
        class_named("keyrings.alt.file", "PlaintextKeyring"),
        class_named("keyrings.alt.file", "EncryptedKeyring"),
        class_named(*CHAINER, backends=[]),
        class_named(*CHAINER, backends=[FakeBackend(), class_named("keyrings.alt.file", "PlaintextKeyring")]),
        ForgetfulBackend(),
        FakeBackend(broken=RuntimeError("the secret is hunter2")),
    ],
    ids=["null", "fail", "plain text", "unknown", "empty chain", "chain with plain text", "forgetful", "broken"],
)
def test_what_keeps_no_secrets_counts_as_none(backend: Any) -> None:
    assert keyring_with(backend).usable() is False


@pytest.mark.parametrize("backend", [NULL, class_named("keyrings.alt.file", "PlaintextKeyring")])
def test_nothing_is_written_into_a_keyring_that_is_none(backend: Any) -> None:
    with pytest.raises(StorageError, match="no keyring here"):
        keyring_with(backend).store("vault-1", Key.new())
    assert getattr(backend, "kept", {}) == {}


def test_a_chain_of_good_keyrings_is_taken() -> None:
    chain = class_named(*CHAINER, backends=[FakeBackend()])
    assert keyring_with(chain).usable() is True


@pytest.mark.parametrize("name", sorted(ALLOWED_BACKENDS))
def test_the_good_ones_are_known_by_name(name: str) -> None:
    module, _, class_name = name.rpartition(".")
    assert Keyring(lambda: class_named(module, class_name)).usable() is True


def test_an_error_says_nothing_that_the_keyring_said() -> None:
    broken = keyring_with(FakeBackend(broken=RuntimeError("the secret is hunter2")))
    with pytest.raises(StorageError) as caught:
        broken.load("vault-1")
    assert caught.value.cause == "secret_store"
    assert "hunter2" not in f"{caught.value!r} {caught.value.message} {caught.value.__cause__} {caught.value.hint}"
    assert caught.value.__context__ is None


@pytest.fixture
def asleep() -> Iterator[threading.Event]:
    """Set at the end of the test, for what sleeps in it."""
    event = threading.Event()
    yield event
    event.set()


def test_a_keyring_that_hangs_hangs_nobody(asleep: threading.Event) -> None:
    questions = []

    def find() -> FakeBackend:
        questions.append(1)
        asleep.wait(10)
        return FakeBackend()

    keyring = Keyring(find, seconds=0.01)
    assert keyring.usable() is False
    with pytest.raises(StorageError, match=r"did not answer within 0\.01 s") as caught:
        keyring.load("vault-1")
    assert caught.value.do.startswith("Unlock it and try again")
    assert len(questions) == 1, "while one question hangs no other is put"


def test_the_package_is_asked_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = class_named("keyring.backends.SecretService", "Keyring")
    monkeypatch.setattr(keyring_package, "get_keyring", lambda: backend)
    assert Keyring().usable() is True


# The passphrase file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    found = tmp_path / "passphrase"
    found.write_text("open sesame\r\nsecond line")
    found.chmod(0o600)
    return found


def test_the_first_line_is_the_passphrase(file: Path) -> None:
    assert read_passphrase(file) == Secret("open sesame")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_open_to_others_is_refused(file: Path, mode: int) -> None:
    file.chmod(mode)
    with pytest.raises(StorageError, match=f"open to other users \\({mode:04o}\\)") as caught:
        read_passphrase(file)
    assert caught.value.do == f"Close it: `chmod 600 {file}`."
    assert "sesame" not in caught.value.message


def test_a_file_of_another_user_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    with pytest.raises(StorageError, match="belongs to another user"):
        read_passphrase(file)


def test_what_is_no_file_or_empty_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read: no such file"):
        read_passphrase(tmp_path / "none")
    with pytest.raises(StorageError, match="cannot be read: is a directory"):
        read_passphrase(tmp_path)
    with pytest.raises(StorageError, match="not a plain file"):
        read_passphrase(Path(os.devnull))
    file.write_text("\nopen sesame")
    with pytest.raises(StorageError, match="is empty"):
        read_passphrase(file)


def test_a_pipe_is_refused_and_nobody_waits_for_who_writes_into_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    refused: list[str] = []

    def read() -> None:
        try:
            read_passphrase(pipe)
        except StorageError as error:
            refused.append(error.message)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(10)
    assert not reader.is_alive()
    assert "no plain file" in refused[0] or "not a plain file" in refused[0]
