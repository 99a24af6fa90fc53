"""A registry that is lost, wholly or in part: the secrets of records that somebody may put back are not swept."""

# ruff: noqa: ASYNC240 - the tests look at the files themselves

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from pxm_tui.domain.secret import Secret
from tests.fakes import NOW, StillClock, cluster
from tests.storage.logins import Process

FIRST, SECOND, STRANGER = (cluster(f"c{number}", number=number) for number in (1, 2, 3))


async def prepare(directory: Path) -> StillClock:
    """Two clusters, the second of which the copy does not have, and a secret that a kill has left."""
    clock = StillClock()
    process = Process(directory, {}, clock)
    for record in (FIRST, SECOND):
        await process.secrets.put(record.id, record.login, Secret("right-secret"))
        await process.repository.save(record)
    await process.secrets.put(STRANGER.id, STRANGER.login, Secret("left"))
    process.close()
    clock.advance(3600)
    return clock


async def swept(directory: Path, clock: StillClock) -> int:
    """How many secrets are there after the start of a run."""
    process = Process(directory, {}, clock)
    await process.means.sweep()
    found = (await process.secrets.state()).secrets
    process.close()
    return found


async def test_nothing_is_swept_while_the_registry_is_not_there(tmp_path: Path) -> None:
    clock = await prepare(tmp_path)
    names = ("clusters.json", "clusters.json.bak")
    for name in names:
        (tmp_path / name).rename(tmp_path / f"{name}.aside")
    assert await swept(tmp_path, clock) == 3
    for name in names:
        (tmp_path / f"{name}.aside").rename(tmp_path / name)
    assert await swept(tmp_path, clock) == 2, "it is back, so the stranger goes"


async def test_what_a_registry_that_is_gone_may_have_known_is_not_swept(tmp_path: Path) -> None:
    clock = await prepare(tmp_path)
    registry, aside = tmp_path / "clusters.json", tmp_path / "aside"
    registry.rename(aside)
    process = Process(tmp_path, {}, clock)
    assert [record.id for record in await process.repository.list()] == [FIRST.id], "the copy is in use"
    process.close()
    (restored,) = tmp_path.glob("clusters.json.restored-*")
    os.utime(restored, (NOW.timestamp(), NOW.timestamp()))
    assert await swept(tmp_path, clock) == 3
    aside.replace(registry)
    process = Process(tmp_path, {}, clock)
    assert await process.secrets.get(SECOND.id, SECOND.login) == Secret("right-secret")
    process.close()


async def test_what_a_damaged_registry_may_have_known_is_not_swept(tmp_path: Path) -> None:
    clock = await prepare(tmp_path)
    registry = tmp_path / "clusters.json"
    registry.write_text("damaged")
    os.utime(registry, (NOW.timestamp(), NOW.timestamp()))
    assert await swept(tmp_path, clock) == 3
    process = Process(tmp_path, {}, clock)
    assert [record.id for record in await process.repository.list()] == [FIRST.id], "the copy is in use"
    await process.secrets.put(STRANGER.id, replace(STRANGER.login, secret_id="later"), Secret("left later"))
    process.close()
    clock.advance(3600)
    assert await swept(tmp_path, clock) == 3, "what was put after the damage is swept as ever"
