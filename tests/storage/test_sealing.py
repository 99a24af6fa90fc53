"""Keys: what they seal comes back only whole and in its place, and nothing of them shows."""

from __future__ import annotations

import pickle

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.kdf import argon2 as argon2_module

from pxm_tui.domain.errors import StorageError
from pxm_tui.domain.secret import Secret
from pxm_tui.storage.sealing import Argon2, Key

CHEAP = Argon2(1, 64, 1, b"saltsaltsalt")


@pytest.mark.parametrize("text", ["hunter2", "", "pässwörd-서울", "lone \udcff surrogate"])
def test_a_sealed_secret_comes_back(text: str) -> None:
    key = Key.new()
    assert key.open(key.seal(Secret(text), b"here"), b"here") == Secret(text)


def test_a_box_opens_only_whole_with_its_key_and_in_its_place() -> None:
    key = Key.new()
    box = key.seal(Secret("hunter2"), b"here")
    assert key.open(box, b"there") is None
    assert Key.new().open(box, b"here") is None
    assert key.open(box[:-1], b"here") is None
    assert key.open(b"", b"here") is None
    assert key.open(bytes([box[0] ^ 1]) + box[1:], b"here") is None


def test_the_same_secret_is_never_sealed_alike() -> None:
    key = Key.new()
    assert key.seal(Secret("x"), b"") != key.seal(Secret("x"), b"")


def test_a_key_wraps_a_key() -> None:
    outer, inner = Key.new(), Key.new()
    box = outer.wrap(inner, b"vault")
    found = outer.unwrap(box, b"vault")
    assert found is not None
    assert found.to_text() == inner.to_text()
    assert outer.unwrap(box, b"other") is None
    assert outer.unwrap(outer.seal(Secret("too short"), b"vault"), b"vault") is None


def test_a_key_as_text() -> None:
    key = Key.new()
    found = Key.from_text(key.to_text().reveal())
    assert found is not None
    assert found.to_text() == key.to_text()
    assert Key.from_text("") is None
    assert Key.from_text("not base64!") is None


def test_a_key_shows_nothing() -> None:
    key = Key(b"k" * 32)
    assert repr(key) == str(key) == "Key(********)"
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(ValueError, match="32 bytes"):
        Key(b"short")


def test_a_passphrase_gives_one_key_in_any_unicode_form() -> None:
    composed, decomposed = Secret("caf\u00e9"), Secret("cafe\u0301")
    assert CHEAP.derive(composed).to_text() == CHEAP.derive(decomposed).to_text()
    assert CHEAP.derive(composed).to_text() != CHEAP.derive(Secret("cafe")).to_text()
    assert Argon2(1, 64, 1, b"anothersalt").derive(composed).to_text() != CHEAP.derive(composed).to_text()


def test_the_default_cost_is_argon2id_3_64_mib_4_with_a_random_salt() -> None:
    parameters = Argon2()
    assert (parameters.iterations, parameters.memory_kib, parameters.lanes, len(parameters.salt)) == (3, 65536, 4, 16)
    assert Argon2().salt != parameters.salt
    assert parameters.within_reason()


@pytest.mark.parametrize(
    "parameters",
    [Argon2(0), Argon2(1000), Argon2(3, 2**30), Argon2(3, 8, 4), Argon2(lanes=99), Argon2(salt=b""), Argon2(lanes=0)],
)
def test_a_file_cannot_ask_for_any_cost(parameters: Argon2) -> None:
    assert not parameters.within_reason()


@pytest.mark.parametrize(("error", "said"), [(MemoryError, "not enough memory"), (UnsupportedAlgorithm, "no Argon2id")])
def test_a_machine_that_cannot_derive_says_so(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception], said: str
) -> None:
    def refuse(**options: object) -> None:
        raise error("")

    monkeypatch.setattr(argon2_module, "Argon2id", refuse)
    with pytest.raises(StorageError, match=said):
        CHEAP.derive(Secret("x"))
