"""`pxm demo`: the terminal UI on a simulated fleet in a child process; `--serve`: only that fleet, in this process.

The one module of ours that knows the simulator, and only as a program to start.
"""

from __future__ import annotations

import argparse
import asyncio
import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from pxm_tui.cli.fleet_process import FleetProcess, SimulatedEndpoint
from pxm_tui.cli.output import OutputLostError
from pxm_tui.cli.parser import HelpShownError, Parser, leftover, wrong_usage
from pxm_tui.cli.session import ENDING_SIGNALS, forbid_core_dumps
from pxm_tui.cli.ui_terminal import need_terminal, ui_settings
from pxm_tui.domain.addresses import DEFAULT_PORT
from pxm_tui.domain.errors import InternalError
from pxm_tui.domain.secret import Secret
from pxm_tui.services.bundle import DemoFourth, Services
from pxm_tui.services.dialog import Silent
from pxm_tui.services.registration import Registration, RegistrationFailedError
from pxm_tui.services.requests import RegistrationRequest, build_request
from pxm_tui.settings import Settings

ENVIRONMENTS = ("prod", "staging", "dr")
REGISTERED = len(ENVIRONMENTS)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo, or serve a fleet; gives the exit status. Raises `InvalidError`."""
    if arguments.serve:
        return _serve(arguments.fleet)
    need_terminal("Use a command: pxm demo --serve serves the simulated fleet alone.")
    forbid_core_dumps()
    with _endings_unwind(), tempfile.TemporaryDirectory(prefix="pxm-demo-") as folder:
        return _demo(arguments, Path(folder))


def _demo(arguments: argparse.Namespace, folder: Path) -> int:
    nothing = {"PXM_CONFIG": str(folder / "no-config.toml")}
    settings = ui_settings(arguments, environment=nothing, data_dir=folder / "data", syslog=False)
    passphrase = Secret(secrets.token_urlsafe(32))
    with FleetProcess() as fleet:
        *three, fourth = fleet.endpoints(REGISTERED + 1)
        control = fleet.control()
        asyncio.run(_register(settings, passphrase, three))
        from pxm_tui.bootstrap import run_tui

        return run_tui(settings, passphrase=passphrase, demo=to_register(fourth), control=control)


def to_register(fourth: SimulatedEndpoint) -> DemoFourth:
    """What is shown of the cluster that is left to be registered: its address as short as it can be typed."""
    address = fourth.endpoint.removeprefix("https://").removesuffix(f":{DEFAULT_PORT}")
    return DemoFourth(address, fourth.username, fourth.password)


async def _register(settings: Settings, passphrase: Secret, endpoints: list[SimulatedEndpoint]) -> None:
    from pxm_tui.bootstrap import inline_services, start_log

    start_log(settings)
    async with inline_services(settings, passphrase) as services:
        edits = services.clusters.edits
        for found in await register_all(services, endpoints):
            await edits.take_endpoints(found.cluster, found.snapshot.nodes)


async def register_all(services: Services, endpoints: list[SimulatedEndpoint]) -> list[Registration]:
    """Register simulated clusters through the service that registers real ones; what was registered.

    Raises:
        InternalError: one could not be registered.
    """
    requests = [_request(endpoint, environment) for endpoint, environment in zip(endpoints, ENVIRONMENTS, strict=True)]
    registrations = (services.clusters.register(request, Silent()) for request in requests)
    done = list[Registration]()
    for outcome in await asyncio.gather(*registrations, return_exceptions=True):
        if isinstance(outcome, RegistrationFailedError):
            raise InternalError("demo", f"A simulated cluster could not be registered: {outcome.error.message}")
        if isinstance(outcome, BaseException):
            raise outcome
        done.append(outcome)
    return done


def _request(endpoint: SimulatedEndpoint, environment: str) -> RegistrationRequest:
    """A password for staging, tokens for the others, so that both are seen."""
    if environment == "staging":
        login = {"user": endpoint.username, "password": endpoint.password}
    else:
        login = {"token_id": endpoint.token_id, "token_secret": endpoint.token_secret}
    return build_request(
        endpoint=endpoint.endpoint,
        name=endpoint.name,
        fingerprint=endpoint.fingerprint,
        labels=(("env", environment),),
        **login,
    )


@contextmanager
def _endings_unwind() -> Iterator[None]:
    """Let SIGTERM and SIGHUP clean up as Ctrl-C does, while the UI is not there to hear them."""

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        sys.exit(128 + number)

    before = {number: signal.signal(number, end) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _serve(options: list[str]) -> int:
    """Serve a fleet until SIGINT or SIGTERM."""
    from pxm_tui.simulator import serve

    parser = Parser(prog="pxm demo --serve", description="Serve a simulated fleet.")
    serve.add_arguments(parser)
    try:
        chosen, rest = parser.parse_known_args(options)
    except HelpShownError:
        return 0
    if rest:
        raise wrong_usage("pxm demo", leftover(rest))
    try:
        fleet = serve.options_from(chosen)
        script = serve.script_from(chosen, fleet)
        fleet.each_cluster()
    except ValueError as error:
        raise wrong_usage("pxm demo", f"{error}.") from None
    try:
        return serve.serve_until_told(fleet, script, until_stdin_closes=chosen.until_stdin_closes)
    except serve.UnheardError as error:
        raise OutputLostError from error.__cause__
