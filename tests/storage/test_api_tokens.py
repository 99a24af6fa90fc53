"""The file of the REST API's tokens: private, current, and closed when it is damaged."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pxm_tui.domain.access import ApiToken, Role
from pxm_tui.domain.errors import StorageError
from pxm_tui.storage.api_tokens import FileTokenBook

NOW = datetime(2026, 11, 22, 14, 2, 10, tzinfo=UTC)
ONE = ApiToken("grafana", Role.VIEWER, "ab" * 32, NOW)
OTHER = ApiToken("ci", Role.ADMIN, "cd" * 32, NOW, NOW.replace(year=2027))


def test_what_is_written_is_read_and_private(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    book = FileTokenBook(directory)
    assert book.read() == ()
    assert not directory.exists()
    book.change(lambda tokens: (*tokens, ONE, OTHER))
    assert FileTokenBook(directory).read() == (ONE, OTHER)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


def test_another_process_is_seen_at_once(tmp_path: Path) -> None:
    book, other = FileTokenBook(tmp_path), FileTokenBook(tmp_path)
    book.change(lambda tokens: (*tokens, ONE))
    assert other.read() == (ONE,)
    book.change(lambda tokens: ())
    assert other.read() == ()
    other.change(lambda tokens: (*tokens, OTHER))
    assert book.read() == (OTHER,)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"format": 1, "tokens": [{}]}',
        b'{"format": "1", "tokens": []}',
        b'{"format": 1, "tokens": [{"name": "x", "role": "root"}]}',
    ],
)
def test_a_damaged_file_lets_nobody_in(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "api-tokens.json").write_bytes(content)
    with pytest.raises(StorageError, match="damaged"):
        FileTokenBook(tmp_path).read()
    with pytest.raises(StorageError):
        FileTokenBook(tmp_path).change(lambda tokens: tokens)
    assert (tmp_path / "api-tokens.json").read_bytes() == content


def test_a_newer_file_is_refused_untouched(tmp_path: Path) -> None:
    (tmp_path / "api-tokens.json").write_text(json.dumps({"format": 2, "tokens": []}))
    with pytest.raises(StorageError, match="newer"):
        FileTokenBook(tmp_path).read()
