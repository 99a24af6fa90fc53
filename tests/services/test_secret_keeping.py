"""Locking: what is dropped, who is no longer asked, and how it goes on."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from pxm_tui.bootstrap import build_services
from pxm_tui.domain.errors import StorageError
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.loop import InlineRunner
from pxm_tui.services.bundle import Services
from pxm_tui.services.dialog import PassphraseQuestion, Silent
from pxm_tui.services.ports import Ticket, VaultMode
from pxm_tui.services.requests import build_request
from pxm_tui.settings import load_settings
from pxm_tui.simulator.options import ClusterOptions
from tests.fleet_fixtures import FleetFactory

PASSPHRASE = Secret("open sesame, please")
STARTED = time.monotonic()
PASSWORD = "locked-Away+word=&;1"


class Knows(Silent):
    """Somebody who knows the passphrase; counts how often they are asked."""

    def __init__(self, *answers: Secret | None) -> None:
        self.answers = list(answers)
        self.asked: list[PassphraseQuestion] = []

    async def passphrase(self, question: PassphraseQuestion) -> Secret | None:
        self.asked.append(question)
        return self.answers.pop(0) if self.answers else PASSPHRASE


Until = Callable[[Callable[[], bool]], Awaitable[None]]


@asynccontextmanager
async def watched(services: Services) -> AsyncIterator[Until]:
    """Watch the fleet; gives a function that waits until something has come true of it."""
    changed = asyncio.Event()
    services.fleet.load()
    task = asyncio.create_task(services.fleet.watch(changed.set))

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                changed.clear()
                services.fleet.view()
                await changed.wait()

    try:
        yield until
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
async def services(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Services]:
    """Real services on a vault under a passphrase."""
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    settings = load_settings({"data_dir": tmp_path / "data", "refresh": 5.0, "secret_store": "passphrase"}, {})
    found = build_services(settings, InlineRunner())
    yield found
    found.close()


def answered(services: Services) -> bool:
    """Whether every cluster has answered in this run."""
    return all(view.asked for view in services.fleet.view().clusters)


def tickets() -> list[Ticket]:
    """All tickets of this test that the program holds; stand-ins of other tests have no real ones."""
    gc.collect()
    held = [thing for thing in gc.get_objects() if isinstance(thing, Ticket)]
    return [ticket for ticket in held if ticket.ticket.reveal().startswith("PVE:root@pam:") and ticket.issued > STARTED]


def holds(secret: str) -> bool:
    """Whether any object of the program holds this secret."""
    gc.collect()
    return any(isinstance(thing, Secret) and thing == Secret(secret) for thing in gc.get_objects())


async def test_a_lock_drops_key_secrets_and_tickets_and_an_unlock_goes_on(
    services: Services, fresh_fleet: FleetFactory
) -> None:
    cluster = fresh_fleet(ClusterOptions("kept", nodes=1, guests=2, password=PASSWORD)).clusters[0]
    request = build_request(
        endpoint=cluster.endpoint,
        user="root@pam",
        password=PASSWORD,
        fingerprint=cluster.fingerprint,
        name="kept",
        mint_token=False,
    )
    await services.clusters.register(request, Knows())
    del request
    async with watched(services) as until:
        await until(lambda: answered(services))
        assert len(tickets()) == 1
        await services.secrets.lock("by hand")
        assert tickets() == []
        assert not holds(PASSWORD)
        assert not services.secrets.is_open()
        view = services.fleet.view()
        assert view.awaits_key
        assert view.clusters[0].cluster.status == "healthy", "the last known state stays"

        with pytest.raises(StorageError, match="is locked"):
            await services.secrets.unlock(Knows(Secret("guessed"), None))
        assert services.fleet.view().awaits_key
        knows = Knows(Secret("guessed"), PASSPHRASE)
        await services.secrets.unlock(knows)
        assert [question.wrong for question in knows.asked] == [False, True]
        assert not services.fleet.view().locked
        await until(lambda: bool(tickets()))
    assert any("secret store locked by hand" in line.text for line in services.journal.entries())


async def test_what_is_behind_a_lock_asks_for_the_passphrase_and_lets_the_fleet_go_on(
    services: Services, fresh_fleet: FleetFactory
) -> None:
    cluster = fresh_fleet(ClusterOptions("kept", nodes=1, guests=2)).clusters[0]
    request = build_request(
        endpoint=cluster.endpoint,
        token_id=cluster.token_id,
        token_secret=cluster.token_secret,
        fingerprint=cluster.fingerprint,
        name="kept",
    )
    found = await services.clusters.register(request, Knows())
    async with watched(services) as until:
        await until(lambda: answered(services))
        await services.secrets.lock("by hand")
        knows = Knows()
        report = await services.clusters.check(found.cluster.id, found.snapshot, knows)
        assert report.error is None
        assert len(knows.asked) == 1
        await services.fleet.adopt(report.cluster, report.snapshot)
        await until(lambda: not services.fleet.view().locked)


async def test_a_change_of_holder_is_written_into_the_journal(services: Services) -> None:
    await services.secrets.change(VaultMode.PASSPHRASE, PASSPHRASE)
    await services.secrets.change(VaultMode.PASSPHRASE, Secret("another sesame"), PASSPHRASE)
    assert (await services.secrets.state()).asks
    assert services.secrets.known == await services.secrets.state()
    told = " ".join(line.text for line in services.journal.entries())
    assert "another passphrase now" in told
    assert "sesame" not in told
