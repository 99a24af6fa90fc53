"""The atomic writer: whole or not at all, private, without leftovers."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from pxm_tui.domain.errors import StorageError
from pxm_tui.storage import atomic
from pxm_tui.storage.notices import Notices
from tests.storage.faults import WatchedPrimitives, failing_at

OLD, NEW = b"the old content", b"the new content, which is longer"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "file.json"
    atomic.write_atomically(found, [b"older"], backup=True)
    atomic.write_atomically(found, [OLD], backup=True)
    return found


def files(directory: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in directory.iterdir()}


def test_a_write_replaces_the_content_and_keeps_the_previous(path: Path) -> None:
    stamp = atomic.write_atomically(path, [NEW[:5], b"", NEW[5:]], backup=True)
    assert files(path.parent) == {"file.json": NEW, "file.json.bak": OLD}
    assert stamp == atomic.current_stamp(path)


def test_a_write_without_backup_leaves_the_backup_alone(path: Path) -> None:
    atomic.write_atomically(path, [NEW], backup=False)
    assert files(path.parent) == {"file.json": NEW, "file.json.bak": b"older"}


def test_files_are_private_from_their_creation(tmp_path: Path) -> None:
    modes: list[int] = []

    def look(step: str, number: int) -> None:
        modes.extend(stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir())

    before = os.umask(0)
    try:
        for _ in range(2):
            atomic.write_atomically(tmp_path / "f", [NEW], backup=True, primitives=WatchedPrimitives(after=look))
    finally:
        os.umask(before)
    assert set(modes) == {0o600}


def test_the_content_is_on_the_disk_before_its_name_and_both_before_the_answer(path: Path) -> None:
    primitives = WatchedPrimitives()
    atomic.write_atomically(path, [NEW], backup=True, primitives=primitives)
    assert primitives.steps == ["open", "write", "fsync", "link", "rename", "rename", "fsync_directory"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("at", range(6))
def test_a_failing_operation_keeps_the_old_file(path: Path, at: int, code: int) -> None:
    with pytest.raises(StorageError) as caught:
        atomic.write_atomically(path, [NEW], backup=True, primitives=failing_at(at, code))
    assert caught.value.cause == "storage_unusable"
    assert str(path.parent) in caught.value.message
    assert caught.value.__cause__ is None
    assert files(path.parent)["file.json"] == OLD
    assert files(path.parent)["file.json.bak"] in {OLD, b"older"}
    assert len(files(path.parent)) == 2


def test_a_full_disk_says_so(path: Path) -> None:
    with pytest.raises(StorageError, match="no space left"):
        atomic.write_atomically(path, [NEW], backup=True, primitives=failing_at(1))


def test_a_short_write_is_continued(path: Path) -> None:
    atomic.write_atomically(path, [NEW], backup=True, primitives=WatchedPrimitives(largest_write=1))
    assert path.read_bytes() == NEW


def test_a_write_that_takes_nothing_is_an_error(path: Path) -> None:
    with pytest.raises(StorageError, match="no space left"):
        atomic.write_atomically(path, [NEW], backup=True, primitives=WatchedPrimitives(largest_write=0))
    assert path.read_bytes() == OLD


def test_leftovers_of_a_killed_write_go_with_the_next(path: Path) -> None:
    (path.parent / ".file.json.4711-aa.tmp").write_bytes(b"half")
    (path.parent / ".other.json.4711-aa.tmp").write_bytes(b"of another file")
    atomic.write_atomically(path, [NEW], backup=True)
    assert sorted(files(path.parent)) == [".other.json.4711-aa.tmp", "file.json", "file.json.bak"]


def test_a_backup_that_is_the_file_itself_leaves_nothing_behind(path: Path) -> None:
    path.with_name("file.json.bak").unlink()
    path.with_name("file.json.bak").hardlink_to(path)
    atomic.write_atomically(path, [NEW], backup=True)
    assert files(path.parent) == {"file.json": NEW, "file.json.bak": OLD}


def test_without_hard_links_the_backup_is_a_copy(path: Path) -> None:
    class Linkless(atomic.Primitives):
        def link(self, source: Path, target: Path) -> None:
            raise OSError(errno.EPERM, "no links here")

    atomic.write_atomically(path, [NEW], backup=True, primitives=Linkless())
    assert files(path.parent) == {"file.json": NEW, "file.json.bak": OLD}
    assert atomic.keep_as(path, path.with_name("kept"), primitives=Linkless()) is True
    assert atomic.keep_as(path, path.with_name("kept"), primitives=Linkless()) is False
    assert stat.S_IMODE(path.with_name("kept").stat().st_mode) == 0o600


def test_the_cache_needs_no_fsync(path: Path) -> None:
    primitives = WatchedPrimitives()
    atomic.write_atomically(path, [NEW], backup=False, durable=False, primitives=primitives)
    assert primitives.steps == ["open", "write", "rename"]


def test_two_writes_have_two_stamps(path: Path) -> None:
    stamps = {atomic.write_atomically(path, [NEW], backup=False, durable=False) for _ in range(50)}
    assert len(stamps) == 50


def test_a_directory_is_made_private_with_its_parents(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    atomic.prepare_directory(directory, Notices())
    assert [stat.S_IMODE(found.stat().st_mode) for found in (directory, directory.parent)] == [0o700, 0o700]


def test_an_open_directory_and_file_are_closed_with_a_warning(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path.chmod(0o644)
    path.parent.chmod(0o755)
    notices = Notices()
    atomic.prepare_directory(path.parent, notices)
    assert atomic.read_private(path, notices) is not None
    assert [stat.S_IMODE(found.stat().st_mode) for found in (path.parent, path)] == [0o700, 0o600]
    first, second = notices.take()
    assert "(0755)" in first
    assert "(0644)" in second
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert notices.take() == ()


def test_what_cannot_be_closed_is_read_with_a_warning(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, mode: int) -> None:
        raise OSError(errno.EROFS, "read-only")

    path.chmod(0o644)
    monkeypatch.setattr(Path, "chmod", refuse)
    notices = Notices()
    for _ in range(2):
        found = atomic.read_private(path, notices)
        assert found is not None
        assert found[0] == OLD
    (notice,) = notices.take()
    assert "could not be closed to them (read-only file system)" in notice


def test_what_belongs_to_another_user_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stranger = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    with pytest.raises(StorageError, match="another user"):
        atomic.prepare_directory(path.parent, Notices())
    with pytest.raises(StorageError, match="another user"):
        atomic.read_private(path, Notices())


def test_a_file_in_place_of_the_directory_is_refused(path: Path) -> None:
    with pytest.raises(StorageError, match="not a directory"):
        atomic.check_directory(path, Notices())
    with pytest.raises(StorageError):
        atomic.prepare_directory(path / "below", Notices())


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(StorageError, match="Cannot read"):
        atomic.read_private(tmp_path / "loop", Notices())
    with pytest.raises(StorageError, match="Cannot read"):
        atomic.current_stamp(tmp_path / "loop")


def test_nothing_there_is_nothing(tmp_path: Path) -> None:
    assert atomic.current_stamp(tmp_path / "none") is None
    assert atomic.read_private(tmp_path / "none" / "deeper", Notices()) is None
    atomic.check_directory(tmp_path / "none", Notices())
