"""The composition root: the only module that names concrete classes. Each adapter is built when it is first used."""

from __future__ import annotations

import os
import time
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from typing import Any

    from pxm_tui.domain.access import ApiToken
    from pxm_tui.domain.secret import Secret
    from pxm_tui.services.access import AccessService
    from pxm_tui.services.bundle import DemoFourth, Places, Services
    from pxm_tui.services.faults import FaultControl, FaultInjector
    from pxm_tui.services.ports import Clock, ProxmoxGateway, Runner, Timer
    from pxm_tui.settings import Settings
    from pxm_tui.storage.audit_log import FileAuditLog
    from pxm_tui.storage.snapshot_cache import FileSnapshotCache
    from pxm_tui.storage.tinydb_repository import TinyDbRepository
    from pxm_tui.storage.vault import SecretVault

LOG_BYTES = 2_000_000
LOG_FILES = 3


def now() -> datetime:
    """The time, UTC."""
    return datetime.now(UTC)


def open_repository(settings: Settings) -> TinyDbRepository:
    """The registry of clusters; light enough for `pxm list`. Raises `StorageError`."""
    from pxm_tui.storage.tinydb_repository import TinyDbRepository

    return TinyDbRepository(settings.data_dir)


def open_secrets(settings: Settings, passphrase: Secret | None = None) -> SecretVault:
    """The secret store; with a `passphrase` it asks nobody and touches no keyring."""
    from pxm_tui.storage.vault import SecretVault

    return SecretVault(
        settings.data_dir,
        secret_store="passphrase" if passphrase else settings.secret_store,
        passphrase_file=settings.passphrase_file,
        passphrase=passphrase,
        remember=settings.remember_passphrase,
    )


def open_audit_log(settings: Settings, *, syslog: bool = False) -> FileAuditLog:
    """The audit's file; with `syslog` every new line goes to the system's log as well, where there is one."""
    from pxm_tui.storage.audit_log import FileAuditLog

    if not syslog:
        return FileAuditLog(settings.state_dir)
    from pxm_tui.storage.syslog import send

    return FileAuditLog(settings.state_dir, also_to=send)


def open_cache(settings: Settings) -> FileSnapshotCache:
    """The last known state beyond the registry."""
    from pxm_tui.storage.snapshot_cache import FileSnapshotCache

    return FileSnapshotCache(settings.cache_dir)


def open_gateway(settings: Settings) -> ProxmoxGateway:
    """The Proxmox client. Slow to import: call it on the client's loop."""
    from pxm_tui.proxmox.gateway import HttpProxmoxGateway
    from pxm_tui.proxmox.timeouts import Timeouts

    timeouts = Timeouts(
        connect=settings.connect_timeout,
        tls=settings.tls_timeout,
        first_byte=settings.first_byte_timeout,
        answer=settings.answer_timeout,
    )
    return HttpProxmoxGateway(timeouts=timeouts, timer=time.monotonic)


def start_log(settings: Settings) -> Path:
    """Log to a file in the state directory, closed to others, never to the terminal.

    Only our own lines and warnings of libraries: a client library's debug lines hold headers. Where the file cannot be
    written, on a read-only disk, nothing is logged: what is to be kept says by itself that it cannot.

    Raises:
        StorageError: the directory cannot be used.
    """
    import logging
    from logging.handlers import RotatingFileHandler

    from pxm_tui.storage.atomic import prepare_directory
    from pxm_tui.storage.notices import Notices

    prepare_directory(settings.state_dir, Notices())
    handler: logging.Handler = logging.NullHandler()
    with suppress(OSError):
        os.close(os.open(settings.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        handler = RotatingFileHandler(settings.log_file, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("pxm_tui").setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    return settings.log_file


def build_services(
    settings: Settings,
    runner: Runner,
    *,
    passphrase: Secret | None = None,
    demo: DemoFourth | None = None,
    control: FaultControl | None = None,
    clock: Clock = now,
    timer: Timer = time.monotonic,
    gateway: Callable[[Settings], ProxmoxGateway] = open_gateway,
) -> Services:
    """Everything that a face works with. Nothing is contacted yet, and no secret is read.

    Args:
        settings: how this run behaves.
        runner: where the client's work runs.
        passphrase: opens the vault without asking anybody.
        demo: the cluster that the demo leaves to be registered.
        control: where the demo's fleet takes orders.
        clock: UTC now.
        timer: monotonic seconds.
        gateway: makes the Proxmox client when it is first used.
    """
    import socket
    from secrets import randbelow

    from pxm_tui.services.audit import Audit
    from pxm_tui.services.bundle import Services
    from pxm_tui.services.clusters import ClusterService
    from pxm_tui.services.fleet import FleetService
    from pxm_tui.services.guarding import Guard
    from pxm_tui.services.journal import Journal
    from pxm_tui.services.means import Means
    from pxm_tui.services.minting import Mint
    from pxm_tui.services.polling import PollingPolicy
    from pxm_tui.services.secret_keeping import SecretsService
    from pxm_tui.services.software import SoftwareService
    from pxm_tui.services.token_service import TokenService
    from pxm_tui.storage.actor import present_actor
    from pxm_tui.storage.intents import FileIntentLog
    from pxm_tui.storage.preferences import FilePreferences

    repository, secrets, journal = open_repository(settings), open_secrets(settings, passphrase), Journal(clock)
    audit_log = open_audit_log(settings, syslog=settings.syslog and demo is None)
    audit = Audit(audit_log, present_actor(), clock, journal)
    guard = Guard(repository, audit, journal, clock, read_only=settings.read_only)

    cache, intents = open_cache(settings), FileIntentLog(settings.state_dir / "intents")
    mint = Mint(intents, journal, clock, randbelow, socket.gethostname(), _person(), guard, audit)

    def close() -> None:
        for part in (repository, cache, secrets, intents, audit_log):
            part.close()

    means = Means(
        repository=repository,
        secrets=secrets,
        gateway=lambda: gateway(settings),
        runner=runner,
        clock=clock,
        timer=timer,
        journal=journal,
        audit=audit,
        mint=mint,
    )
    clusters = ClusterService(means)
    fleet = FleetService(means, cache, PollingPolicy(settings.refresh, settings.concurrency))
    return Services(
        clusters=clusters,
        tokens=TokenService(means),
        fleet=fleet,
        software=SoftwareService(means),
        secrets=SecretsService(clusters, fleet),
        journal=journal,
        audit=audit,
        guard=guard,
        preferences=FilePreferences(settings.state_dir / "tui.json"),
        places=_places(settings),
        clock=clock,
        timer=timer,
        machine=socket.gethostname(),
        period=settings.refresh,
        lock_after=None if settings.lock_after is None else settings.lock_after * 60,
        demo=demo,
        close=close,
        faults=None if control is None else _open_faults(control, runner),
    )


def _person() -> str:
    """Who runs this: the login name, or the number of the user where there is none."""
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _open_faults(control: FaultControl, runner: Runner) -> FaultInjector:
    from pxm_tui.simulator_client import HttpFaultInjector

    return HttpFaultInjector(control, runner)


@asynccontextmanager
async def inline_services(settings: Settings, passphrase: Secret | None = None) -> AsyncIterator[Services]:
    """Services on the caller's own loop, for the command line."""
    from pxm_tui.proxmox.loop import InlineRunner

    services = build_services(settings, InlineRunner(), passphrase=passphrase)
    try:
        yield services
    finally:
        services.close()


def run_tui(
    settings: Settings,
    *,
    passphrase: Secret | None = None,
    demo: DemoFourth | None = None,
    control: FaultControl | None = None,
) -> int:
    """Run the terminal UI to its end; gives the exit status."""
    from dataclasses import replace

    from pxm_tui.proxmox.loop import ClientLoop
    from pxm_tui.tui.options import detect
    from pxm_tui.tui.start import run

    start_log(settings)
    options = detect(no_mouse=not settings.mouse)
    if settings.ascii is not None:
        options = replace(options, ascii=settings.ascii)
    with ClientLoop() as runner:
        services = build_services(settings, runner, passphrase=passphrase, demo=demo, control=control)
        try:
            return run(services, options)
        finally:
            services.close()


def open_access(settings: Settings) -> AccessService:
    """The REST API's bearer tokens. Making and revoking them is for callers without a loop: it is audited."""
    import asyncio

    from pxm_tui.services.access import AccessService
    from pxm_tui.services.audit import Audit
    from pxm_tui.services.journal import Journal
    from pxm_tui.storage.actor import present_actor
    from pxm_tui.storage.api_tokens import FileTokenBook

    def write_down(action: str, token: ApiToken) -> None:
        log = open_audit_log(settings, syslog=settings.syslog)
        try:
            audit = Audit(log, present_actor(), now, Journal(now))
            asyncio.run(audit.record(f"api_token_{action}", None, api_token=token.name, role=str(token.role)))
        finally:
            log.close()

    return AccessService(FileTokenBook(settings.data_dir), now, told=write_down)


def run_api(settings: Settings, place: Mapping[str, Any], limits: Mapping[str, Any], say: Callable[[str], None]) -> int:
    """Run the REST API until it is told to end; gives the exit status.

    Args:
        settings: how this run behaves.
        place: where to listen, by the names of `api.listening.Place`.
        limits: what is put up with, by the names of `api.limits.Limits`; what is left out has its default.
        say: told where it listens.
    """
    import asyncio

    from pxm_tui.api.limits import Limits
    from pxm_tui.api.listening import Place
    from pxm_tui.api.server import serve
    from pxm_tui.proxmox.loop import ClientLoop

    start_log(settings)
    with ClientLoop() as runner:
        services = build_services(settings, runner)
        try:
            asyncio.run(serve(services, open_access(settings), Place(**place), Limits(**limits), say))
        finally:
            services.close()
    return 0


def _places(settings: Settings) -> Places:
    from pxm_tui.services.bundle import Places

    return Places(
        registry=_home_as_tilde(settings.data_dir / "clusters.json"),
        secrets=_home_as_tilde(settings.data_dir / "secrets.vault"),
        log=_home_as_tilde(settings.log_file),
        data=_home_as_tilde(settings.data_dir),
        audit=_home_as_tilde(settings.state_dir / "audit.jsonl"),
    )


def _home_as_tilde(path: Path) -> str:
    home = str(Path.home())
    return f"~{str(path)[len(home) :]}" if str(path).startswith(home + os.sep) else str(path)
