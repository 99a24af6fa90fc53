"""What the screens remember."""

from pathlib import Path

import pytest

from pxm_tui.storage.preferences import LARGEST_FILE, FilePreferences


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "state" / "tui.json"
    FilePreferences(path).write({"sort": "status"})
    assert FilePreferences(path).read() == {"sort": "status"}
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]", b"\xff", b" " * (LARGEST_FILE + 1), b"[" * 60000])
def test_what_cannot_be_read_is_forgotten(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "tui.json"
    if content is not None:
        path.write_bytes(content)
    assert FilePreferences(path).read() == {}


def test_a_failure_is_no_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    FilePreferences(tmp_path / "file" / "tui.json").write({"sort": "status"})
    assert "file" in caplog.text
