"""What every repository of clusters does: the same tests against TinyDB and memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pxm_tui.domain.cluster import Endpoint, Login, LoginMethod, Reason, Status
from pxm_tui.domain.errors import AlreadyRegisteredError
from pxm_tui.services.ports import ClusterRepository
from pxm_tui.storage.memory_repository import MemoryRepository
from pxm_tui.storage.tinydb_repository import TinyDbRepository
from tests.storage.samples import NOW, make_check, make_cluster, make_full_cluster


@pytest.fixture(params=["tinydb", "memory"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ClusterRepository]:
    if request.param == "memory":
        yield MemoryRepository()
        return
    tinydb = TinyDbRepository(tmp_path / "data")
    yield tinydb
    tinydb.close()


async def test_save(repository: ClusterRepository) -> None:
    await repository.save(make_full_cluster())
    assert repository.read() == (make_full_cluster(),)


async def test_find_by_id(repository: ClusterRepository) -> None:
    await repository.save(make_cluster(1))
    await repository.save(make_cluster(2))
    assert await repository.find_by_id(make_cluster(2).id) == make_cluster(2)
    assert await repository.find_by_id("nobody") is None


async def test_find_by_name(repository: ClusterRepository) -> None:
    await repository.save(make_cluster(1, name="Straße-1"))
    for spelling in ("Straße-1", "STRASSE-1", "strasse-1"):
        assert await repository.find_by_name(spelling) == make_cluster(1, name="Straße-1")
    assert await repository.find_by_name("Straße") is None


async def test_list_is_in_natural_order(repository: ClusterRepository) -> None:
    for number in (10, 2, 1):
        await repository.save(make_cluster(number))
    assert [cluster.name for cluster in await repository.list()] == ["prod-1", "prod-2", "prod-10"]
    assert await repository.list() == repository.read()


async def test_all_is_well_says_nothing(repository: ClusterRepository) -> None:
    await repository.save(make_cluster(1))
    assert repository.notices() == ()


async def test_list_of_nothing(repository: ClusterRepository) -> None:
    assert await repository.list() == ()
    assert repository.read() == ()


async def test_delete(repository: ClusterRepository) -> None:
    await repository.save(make_cluster(1))
    await repository.save(make_cluster(2))
    assert await repository.delete(make_cluster(1).id) is True
    assert await repository.delete(make_cluster(1).id) is False
    assert await repository.list() == (make_cluster(2),)
    assert await repository.find_by_name("prod-1") is None


async def test_exists(repository: ClusterRepository) -> None:
    await repository.save(make_cluster(1))
    assert await repository.exists(make_cluster(1).id) is True
    assert await repository.exists(make_cluster(2).id) is False


async def test_save_replaces_the_record_of_the_same_id(repository: ClusterRepository) -> None:
    await repository.save(make_cluster(1))
    renamed = make_cluster(1, name="PROD-1", labels=())
    await repository.save(renamed)
    assert await repository.list() == (renamed,)


@pytest.mark.parametrize("taken", ["prod-1", "PROD-1", "ｐrod-1"])
async def test_a_name_is_unique_without_regard_to_case_and_form(repository: ClusterRepository, taken: str) -> None:
    await repository.save(make_cluster(1))
    with pytest.raises(AlreadyRegisteredError) as caught:
        await repository.save(make_cluster(2, name=taken))
    assert caught.value.field == "name"
    assert "https://pve1.example.com:8006" in caught.value.message
    assert await repository.list() == (make_cluster(1),)


async def test_a_freed_name_can_be_taken(repository: ClusterRepository) -> None:
    await repository.save(make_cluster(1))
    await repository.save(make_cluster(1, name="other"))
    await repository.save(make_cluster(2, name="prod-1"))
    assert [cluster.name for cluster in repository.read()] == ["other", "prod-1"]


async def test_update_changes_the_record_as_it_is_now(repository: ClusterRepository) -> None:
    await repository.save(make_cluster(1))
    await repository.save(make_cluster(2))
    found = await repository.update(make_cluster(1).id, lambda cluster: replace(cluster, name=f"{cluster.name}-b"))
    assert found == make_cluster(1, name="prod-1-b") == await repository.find_by_id(make_cluster(1).id)
    assert await repository.update("nobody", lambda cluster: cluster) is None
    with pytest.raises(AlreadyRegisteredError):
        await repository.update(make_cluster(1).id, lambda cluster: replace(cluster, name="PROD-2"))
    assert [cluster.name for cluster in repository.read()] == ["prod-1-b", "prod-2"]


async def test_times_are_kept_to_the_second(repository: ClusterRepository) -> None:
    await repository.save(make_cluster(1, created_at=NOW.replace(microsecond=999_999)))
    assert repository.read() == (make_cluster(1),)


async def test_save_checks_changes_what_a_check_knows(repository: ClusterRepository) -> None:
    for number in (1, 2):
        await repository.save(make_cluster(number))
    failure = Reason("timeout", "timed out", "No answer.")
    checks = [
        make_check(make_cluster(1)),
        make_check(make_cluster(2), status=Status.UNREACHABLE, error=failure, facts=None, refused=None),
    ]
    after = await repository.save_checks(checks)
    assert after == repository.read()
    first, second = after
    assert (first.status, first.nodes_online, first.last_seen_at) == (Status.HEALTHY, 3, checks[0].at)
    assert (second.status, second.last_seen_at) == (Status.UNREACHABLE, None)
    assert second.error == replace(failure, since=checks[1].at)


async def test_save_checks_drops_what_is_not_registered_any_more(repository: ClusterRepository) -> None:
    await repository.save(make_cluster(1))
    await repository.save(make_cluster(2))
    await repository.delete(make_cluster(2).id)
    after = await repository.save_checks([make_check(make_cluster(2)), make_check(make_cluster(1))])
    assert [cluster.name for cluster in after] == ["prod-1"]


async def test_save_checks_leaves_a_changed_login_and_endpoint_alone(repository: ClusterRepository) -> None:
    old = make_cluster(1)
    new_login = Login(LoginMethod.PASSWORD, "anna@pve", changed_at=NOW + timedelta(minutes=1))
    edited = replace(old, login=new_login, endpoints=(Endpoint("other"),))
    await repository.save(edited)
    assert await repository.save_checks([make_check(old, refused=True)]) == (edited,)


async def test_several_checks_of_one_cluster_are_applied_in_order(repository: ClusterRepository) -> None:
    await repository.save(make_cluster(1))
    down = make_check(make_cluster(1), status=Status.UNREACHABLE, facts=None)
    (after,) = await repository.save_checks([make_check(make_cluster(1)), down])
    assert (after.status, after.proxmox_version) == (Status.UNREACHABLE, "9.2.11")


async def test_save_checks_keeps_times_to_the_second(repository: ClusterRepository) -> None:
    await repository.save(make_cluster(1))
    moment = NOW.replace(microsecond=5)
    (after,) = await repository.save_checks([make_check(make_cluster(1), at=moment)])
    assert (after.last_seen_at, after.updated_at) == (NOW, NOW)


async def test_checks_that_change_nothing_write_nothing(repository: ClusterRepository) -> None:
    await repository.save(make_cluster(1))
    check = make_check(make_cluster(1))
    await repository.save_checks([check])
    before = repository.stamp()
    await repository.save_checks([check])
    await repository.save_checks([])
    assert repository.stamp() == before


async def test_stamp_moves_with_every_change(repository: ClusterRepository) -> None:
    stamps = {repository.stamp()}
    await repository.save(make_cluster(1))
    stamps.add(repository.stamp())
    await repository.save_checks([make_check(make_cluster(1))])
    stamps.add(repository.stamp())
    await repository.delete(make_cluster(1).id)
    stamps.add(repository.stamp())
    assert len(stamps) == 4


async def test_a_name_that_looks_like_markup_or_ends_a_line_is_kept(repository: ClusterRepository) -> None:
    for number, name in enumerate(["[/foo] [red]", "서울-1", 'a"b\\c', "x\ud800y"]):
        await repository.save(make_cluster(number, name=name))
        assert (await repository.find_by_id(make_cluster(number).id)) == make_cluster(number, name=name)
