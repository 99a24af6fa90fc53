"""The repository on disk: formats, damage, other processes, cancellation."""

# ruff: noqa: ASYNC240 - the tests look at the files themselves

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import shlex
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pxm_tui.domain.cluster import Cluster, Status
from pxm_tui.domain.errors import AlreadyRegisteredError, StorageError
from pxm_tui.domain.times import local_short
from pxm_tui.storage.atomic import Primitives, backup_of
from pxm_tui.storage.registry import FORMAT
from pxm_tui.storage.tinydb_repository import TinyDbRepository
from tests.storage.faults import WatchedPrimitives, failing_at
from tests.storage.samples import NOW, make_check, make_cluster, make_full_cluster

Make = Callable[..., TinyDbRepository]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def make(directory: Path) -> Iterator[Make]:
    """Repositories on one directory, each as another process would have it."""
    made: list[TinyDbRepository] = []

    def make_one(**options: Any) -> TinyDbRepository:
        made.append(TinyDbRepository(directory, now=lambda: NOW, **options))
        return made[-1]

    yield make_one
    for repository in made:
        repository.close()


@pytest.fixture
def file(directory: Path) -> Path:
    return directory / "clusters.json"


def change_file(file: Path, change: Callable[[dict[str, Any]], None]) -> bytes:
    content = json.loads(file.read_bytes())
    change(content)
    file.write_text(json.dumps(content))
    return file.read_bytes()


async def fill(repository: TinyDbRepository, count: int = 2) -> tuple[Cluster, ...]:
    for number in range(1, count + 1):
        await repository.save(make_cluster(number))
    return repository.read()


async def test_everything_is_private(make: Make, directory: Path) -> None:
    before = os.umask(0)
    try:
        await fill(make())
    finally:
        os.umask(before)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in directory.iterdir()}
    assert modes == dict.fromkeys(["clusters.json", "clusters.json.bak", "clusters.json.lock"], 0o600)


async def test_reading_makes_nothing(make: Make, directory: Path) -> None:
    assert make().read() == ()
    assert await make().list() == ()
    assert make().read_records() == []
    assert not directory.exists()


async def test_wide_permissions_are_tightened_with_a_notice(make: Make, directory: Path, file: Path) -> None:
    await fill(make())
    directory.chmod(0o750)
    file.chmod(0o640)
    repository = make()
    assert len(repository.read()) == 2
    assert (stat.S_IMODE(directory.stat().st_mode), stat.S_IMODE(file.stat().st_mode)) == (0o700, 0o600)
    assert len(repository.notices()) == 2
    assert repository.notices() == ()


async def test_records_are_what_the_clusters_say(make: Make) -> None:
    repository = make()
    for cluster in (make_cluster(10), make_full_cluster(2), make_cluster(9), make_cluster(1)):
        await repository.save(cluster)
    await repository.save(make_cluster(9, name="aaa"))
    await repository.delete(make_cluster(1).id)
    assert [record["name"] for record in repository.read_records()] == ["aaa", "prod-2", "prod-10"]
    assert json.dumps(repository.read_records()) == json.dumps([cluster.to_json() for cluster in repository.read()])


async def test_the_file_has_a_format_version_and_no_more_than_needed(make: Make, file: Path) -> None:
    await fill(make(), 1)
    content = json.loads(file.read_bytes())
    assert content.keys() == {"format", "clusters", "states"}
    assert content["format"] == FORMAT


async def test_two_repositories_see_each_other(make: Make) -> None:
    one, two = make(), make()
    await one.save(make_cluster(1))
    stamp = two.stamp()
    assert await two.exists(make_cluster(1).id)
    await two.save(make_cluster(2))
    assert one.stamp() != stamp
    assert one.read() == two.read() == (make_cluster(1), make_cluster(2))
    assert await one.delete(make_cluster(2).id)
    assert await two.find_by_name("prod-2") is None


async def test_a_name_taken_by_another_process_is_taken(make: Make) -> None:
    one, two = make(), make()
    assert await one.list() == await two.list() == ()
    await one.save(make_cluster(1))
    with pytest.raises(AlreadyRegisteredError):
        await two.save(make_cluster(2, name="Prod-1"))


async def test_a_refresh_neither_undoes_an_edit_nor_brings_back_the_dead(make: Make) -> None:
    one, two = make(), make()
    old = await fill(one, 2)
    checks = [make_check(cluster) for cluster in old]
    await two.save(make_cluster(1, name="renamed"))
    await two.delete(make_cluster(2).id)
    (after,) = await one.save_checks(checks)
    assert (after.name, after.status) == ("renamed", Status.HEALTHY)
    assert two.read() == (after,)


async def test_save_checks_is_one_write(make: Make) -> None:
    primitives = WatchedPrimitives()
    clusters = await fill(make(), 5)
    await make(primitives=primitives).save_checks([make_check(cluster) for cluster in clusters])
    assert primitives.steps.count("open") == 1
    assert primitives.steps.count("fsync") == 1


async def test_an_unchanged_file_is_not_parsed_again(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = make()
    clusters = await fill(repository)
    monkeypatch.setattr(json, "loads", None)
    assert await repository.list() == clusters
    assert await repository.find_by_id(clusters[0].id) == clusters[0]


HEAVY = {"asyncio", "concurrent.futures", "cryptography", "dataclasses", "httpx", "keyring", "logging", "pydantic"}


async def test_listing_imports_little(make: Make, directory: Path) -> None:
    await fill(make())
    program = (
        "import sys, pathlib; from pxm_tui.storage.tinydb_repository import TinyDbRepository; "
        f"repository = TinyDbRepository(pathlib.Path({str(directory)!r})); "
        "names = [record['name'] for record in repository.read_records()]; light = set(sys.modules); "
        "repository.read(); print(names, sorted(light), sorted(sys.modules), sep='\\n')"
    )
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    command = [sys.executable, "-c", program]
    output = await asyncio.to_thread(subprocess.check_output, command, text=True, env=unmeasured)
    names, light, all_modules = (set(ast.literal_eval(line)) for line in output.splitlines())
    assert names == {"prod-1", "prod-2"}
    assert not light & {*HEAVY, "tinydb", "threading"}
    assert not all_modules & (HEAVY - {"dataclasses"})


# Cancellation and the end


async def test_a_cancelled_save_is_still_whole(make: Make) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def stop_at_the_first(step: str, number: int) -> None:
        if number == 0:
            begun.set()
            go_on.wait(5)

    repository = make(primitives=WatchedPrimitives(before=stop_at_the_first))
    saving = asyncio.ensure_future(repository.save(make_cluster(1)))
    await asyncio.to_thread(begun.wait, 5)
    later = asyncio.ensure_future(repository.save(make_cluster(2)))
    await asyncio.sleep(0)
    for task in (saving, later):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    go_on.set()
    repository.close()
    assert repository.read() == make().read() == (make_cluster(1), make_cluster(2))


async def test_a_failure_that_nobody_waits_for_is_logged(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    repository = make(primitives=failing_at(0))
    saving = asyncio.ensure_future(repository.save(make_cluster(1)))
    await asyncio.sleep(0)
    saving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving
    repository.close()
    await asyncio.sleep(0)
    assert "no space left" in caplog.text


async def test_after_the_end_reading_works_and_writing_is_refused(make: Make) -> None:
    repository = make()
    clusters = await fill(repository)
    repository.close()
    repository.close()
    assert await repository.list() == clusters
    with pytest.raises(StorageError, match="ending"):
        await repository.save(make_cluster(3))


def test_an_answer_for_a_loop_that_has_ended_is_dropped(make: Make) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait(step: str, number: int) -> None:
        begun.set()
        go_on.wait(5)

    repository = make(primitives=WatchedPrimitives(before=wait))

    async def give_up() -> None:
        saving = asyncio.ensure_future(repository.save(make_cluster(1)))
        await asyncio.to_thread(begun.wait, 5)
        saving.cancel()

    asyncio.run(give_up())
    go_on.set()
    repository.close()
    assert repository.read() == (make_cluster(1),)


async def test_writers_on_two_loops_share_the_thread(make: Make) -> None:
    repository = make()

    def elsewhere() -> None:
        asyncio.run(repository.save(make_cluster(2)))

    await asyncio.gather(asyncio.to_thread(elsewhere), repository.save(make_cluster(1)))
    assert len(repository.read()) == 2


# A disk that is full or read-only


@pytest.mark.parametrize("at", range(6))
async def test_a_full_disk_keeps_what_was_there(make: Make, at: int) -> None:
    clusters = await fill(make())
    full = make(primitives=failing_at(at))
    with pytest.raises(StorageError, match="no space left"):
        await full.save(make_cluster(9))
    assert full.read() == make().read() == clusters
    assert await full.list() == clusters
    with pytest.raises(StorageError):
        await full.save_checks([make_check(clusters[0])])
    assert make().read() == clusters


async def test_after_room_was_made_the_same_repository_writes_again(make: Make) -> None:
    room = False

    def fail(step: str, number: int) -> None:
        if not room and step == "write":
            raise OSError(28, "No space left on device")

    clusters = await fill(make())
    repository = make(primitives=WatchedPrimitives(before=fail))
    with pytest.raises(StorageError):
        await repository.delete(clusters[0].id)
    room = True
    assert await repository.delete(clusters[0].id) is True
    assert make().read() == clusters[1:]


async def test_a_short_write_is_no_loss(make: Make) -> None:
    await fill(make(primitives=WatchedPrimitives(largest_write=100)))
    assert len(make().read()) == 2


# Other formats


async def test_a_newer_format_is_refused_untouched(make: Make, file: Path, directory: Path) -> None:
    await fill(make())
    before = change_file(file, lambda content: content.update(format=FORMAT + 1))
    names = sorted(directory.iterdir())
    repository = make()
    with pytest.raises(StorageError) as caught:
        repository.read()
    assert caught.value.message == (
        f"clusters.json was written by a newer pxm (format {FORMAT + 1}, this one knows {FORMAT}). Nothing was changed."
    )
    assert caught.value.do == "Update pxm."
    with pytest.raises(StorageError):
        await repository.save(make_cluster(9))
    with pytest.raises(StorageError):
        repository.read_records()
    assert file.read_bytes() == before
    assert sorted(directory.iterdir()) == names


def shouted(content: dict[str, Any]) -> dict[str, Any]:
    for document in content["clusters"].values():
        document["name"] = document["name"].upper()
    return content


def underlined(content: dict[str, Any]) -> dict[str, Any]:
    for document in content["clusters"].values():
        document["name"] = f"{document['name']}!"
    return content


async def test_older_formats_are_migrated_forward(make: Make, file: Path, directory: Path) -> None:
    await fill(make())
    before = file.read_bytes()
    repository = make(known_format=FORMAT + 2, migrations={FORMAT: shouted, FORMAT + 1: underlined})
    assert [cluster.name for cluster in repository.read()] == ["PROD-1!", "PROD-2!"]
    assert file.read_bytes() == before, "reading writes nothing"
    await repository.delete(make_cluster(1).id)
    assert json.loads(file.read_bytes())["format"] == FORMAT + 2
    assert (directory / f"clusters.json.format-{FORMAT}").read_bytes() == before
    assert f"clusters.json.format-{FORMAT}" in repository.notices()[0]
    assert [cluster.name for cluster in make(known_format=FORMAT + 2).read()] == ["PROD-2!"]
    with pytest.raises(StorageError, match="newer pxm"):
        make().read()


async def test_the_first_format_becomes_the_present_one(make: Make, file: Path) -> None:
    clusters = await fill(make())

    def first_format(content: dict[str, Any]) -> None:
        content["format"] = 1
        for document in content["clusters"].values():
            del document["guard"], document["kept"]["authority"], document["kept"]["vouched"]
            for key in ("minted", "expires_at"):
                document["login"].pop(key, None)

    change_file(file, first_format)
    assert make().read() == clusters


async def test_a_format_without_a_way_forward_is_refused(make: Make, file: Path) -> None:
    await fill(make())
    before = file.read_bytes()
    with pytest.raises(StorageError, match=f"format {FORMAT}"):
        make(known_format=FORMAT + 2, migrations={FORMAT + 1: underlined}).read()
    assert file.read_bytes() == before


async def test_a_migration_that_fails_is_damage(make: Make, file: Path) -> None:
    clusters = await fill(make())
    change_file(file, lambda content: content.pop("clusters"))
    repository = make(known_format=FORMAT + 1, migrations={FORMAT: shouted})
    assert [cluster.name for cluster in repository.read()] == [clusters[0].name.upper()]
    assert "damaged" in repository.notices()[0]


# Damage

DAMAGES: dict[str, bytes] = {
    "empty": b"",
    "cut": b'{"format":2,"clusters":{"550e',
    "not text": b"\xff\xfe\x00",
    "another JSON": b"[1, 2]",
    "no format": b'{"clusters":{},"states":{}}',
    "no tables": b'{"format":2}',
    "no states": b'{"format":2,"clusters":{"a":{}},"states":{}}',
    "a wrong record": b'{"format":2,"clusters":{"a":{}},"states":{"a":{}}}',
    "too deep": b'{"format":2,"x":' + b"[" * 100_000,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
async def test_a_damaged_file_is_set_aside_and_the_copy_used(
    make: Make, file: Path, directory: Path, damage: bytes
) -> None:
    clusters = await fill(make(), 3)
    file.write_bytes(damage)
    repository = make()
    assert repository.read() == clusters[:2], "the copy is one write behind"
    (notice,) = repository.notices()
    when = backup_time(file)
    day = f"{NOW.astimezone():%Y%m%d}"
    assert notice == (
        f"clusters.json was damaged; the copy of {when} is in use, 2 clusters. "
        f"The damaged file is kept as clusters.json.damaged-{day}."
    )
    assert (directory / f"clusters.json.damaged-{day}").read_bytes() == damage
    assert make().read() == clusters[:2]
    await repository.save(make_cluster(9))
    assert len(make().read()) == 3


def backup_time(file: Path) -> str:
    """The copy's time as the texts say it."""
    written = datetime.fromtimestamp(backup_of(file).stat().st_mtime, UTC)
    return local_short(written, NOW)


async def test_damaged_files_never_overwrite_each_other(make: Make, file: Path, directory: Path) -> None:
    await fill(make(), 3)
    for damage in (b"one", b"two", b"three"):
        file.write_bytes(damage)
        assert len(make().read()) == 2
    day = f"{NOW.astimezone():%Y%m%d}"
    kept = {entry.name: entry.read_bytes() for entry in directory.glob("*.damaged-*")}
    assert kept == {
        f"clusters.json.damaged-{day}": b"one",
        f"clusters.json.damaged-{day}-2": b"two",
        f"clusters.json.damaged-{day}-3": b"three",
    }


async def test_a_writer_finds_the_damage_too(make: Make, file: Path) -> None:
    clusters = await fill(make(), 3)
    repository = make()
    file.write_bytes(b"damage")
    await repository.save(make_cluster(9))
    assert repository.read() == (*clusters[:2], make_cluster(9))
    assert len(repository.notices()) == 1


async def test_records_survive_damage(make: Make, file: Path) -> None:
    clusters = await fill(make(), 3)
    for damage in (b"damage", DAMAGES["a wrong record"]):
        file.write_bytes(damage)
        assert make().read_records() == [cluster.to_json() for cluster in clusters[:2]]


async def test_a_lost_file_is_replaced_by_the_copy(make: Make, file: Path) -> None:
    clusters = await fill(make(), 3)
    file.unlink()
    repository = make()
    assert repository.read() == clusters[:2]
    assert repository.notices()[0].startswith("clusters.json was missing; the copy of ")
    assert file.exists()


async def test_damage_without_a_copy_is_refused_and_left_alone(make: Make, file: Path) -> None:
    await fill(make())
    file.write_bytes(b"damage")
    backup_of(file).write_bytes(b"damage as well")
    for read in (make().read, make().read_records):
        with pytest.raises(StorageError, match="no usable copy") as caught:
            read()
        assert str(file) in caught.value.message
    with pytest.raises(StorageError, match="no usable copy"):
        await make().save(make_cluster(9))
    assert file.read_bytes() == b"damage"


async def test_what_is_said_about_beginning_anew_works(make: Make, file: Path) -> None:
    await fill(make())
    file.write_bytes(b"damage")
    backup_of(file).write_bytes(b"damage as well")
    with pytest.raises(StorageError) as caught:
        make().read()
    moves = caught.value.do.split("`")[1].split(" && ")
    for number, move in enumerate(moves, start=1):
        program, source, target = shlex.split(move)
        assert program == "mv"
        Path(source).rename(target)
        if number < len(moves):
            with pytest.raises(StorageError, match="is missing, and there is no usable copy") as caught:
                make().read()
            assert caught.value.do.split("`")[1] == moves[-1]
    assert make().read() == ()


async def test_damage_on_a_read_only_disk_is_read_past_and_never_written_over(make: Make, file: Path) -> None:
    clusters = await fill(make(), 3)
    file.write_bytes(b"damage")
    repository = make(primitives=failing_at(0))
    assert repository.read() == await repository.list() == clusters[:2]
    assert len(repository.notices()) == 1
    with pytest.raises(StorageError, match="no space left"):
        await repository.save(make_cluster(9))
    assert file.read_bytes() == b"damage"
    assert make().read() == clusters[:2]


async def test_a_copy_of_a_newer_format_is_not_used(make: Make, file: Path) -> None:
    await fill(make())
    change_file(backup_of(file), lambda content: content.update(format=9))
    file.write_bytes(b"damage")
    with pytest.raises(StorageError, match="newer pxm"):
        make().read()


async def test_another_process_may_have_mended_it_meanwhile(make: Make, file: Path) -> None:
    clusters = await fill(make(), 3)
    good = file.read_bytes()
    file.write_bytes(b"damage")
    waited = []

    def mend(seconds: float) -> None:
        waited.append(seconds)
        file.write_bytes(good)
        holding.__exit__(None, None, None)

    repository = make(pause=mend)
    holding = make()._file.lock()
    holding.__enter__()
    assert repository.read() == clusters
    assert waited
    assert repository.notices() == ()


async def test_a_lock_held_too_long_ends_a_write_but_no_read(make: Make) -> None:
    clusters = await fill(make())
    with make()._file.lock():
        waiting = make(lock_seconds=0)
        with pytest.raises(StorageError, match=f"pid {os.getpid()}"):
            await waiting.save(make_cluster(9))
        assert waiting.read() == clusters
    await waiting.save(make_cluster(9))


async def test_a_damaged_file_is_named_by_the_day(directory: Path, file: Path) -> None:
    repository = TinyDbRepository(directory)
    await fill(repository)
    file.write_bytes(b"damage")
    assert len(repository.read()) == 1
    repository.close()
    (aside,) = directory.glob("*.damaged-*")
    assert re.fullmatch(r"clusters\.json\.damaged-\d{8}", aside.name)
    written = datetime.fromtimestamp(backup_of(file).stat().st_mtime, UTC).astimezone()
    assert f"the copy of {written:%H:%M} is in use" in repository.notices()[0]


def test_primitives_are_the_real_ones_by_default(tmp_path: Path) -> None:
    assert type(TinyDbRepository(tmp_path)._file._primitives) is Primitives
