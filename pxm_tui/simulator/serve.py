"""Serves a fleet and says on a stream how to reach it: one line of JSON a cluster, then one for its control API."""

import argparse
import asyncio
import contextlib
import gc
import json
import os
import resource
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from pxm_tui.simulator.control_api import ControlApi
from pxm_tui.simulator.fleet import Fleet, SimulatedCluster
from pxm_tui.simulator.options import KEYS, MIXED, FleetOptions
from pxm_tui.simulator.presets import demo_fleet_options
from pxm_tui.simulator.releases import RELEASES
from pxm_tui.simulator.scenario import Step, play, read_scenario

YOUNG = 50_000
"""Objects made between two runs of the collector; one answer about ten thousand guests makes as many."""


class UnheardError(Exception):
    """How to reach the fleet cannot be written down: nobody would find it. The cause is an `OSError`."""


def description(cluster: SimulatedCluster, ca_file: Path) -> dict[str, str]:
    """Describe how to reach a cluster."""
    return {
        "name": cluster.name,
        "endpoint": cluster.endpoint,
        "fingerprint": cluster.fingerprint,
        "ca_file": str(ca_file),
        "username": cluster.username,
        "password": cluster.password,
        "token_id": cluster.token_id,
        "token_secret": cluster.token_secret,
        "totp_username": cluster.totp_username,
        "totp_password": cluster.totp_password,
        "totp_secret": cluster.totp_secret,
    }


async def serve(
    options: FleetOptions,
    out: TextIO,
    stop: asyncio.Event,
    script: Sequence[Step] = (),
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve a fleet until `stop` is set; its clusters are written to `out` as they get ready.

    The last line, after those of the clusters, says how to reach the control API.

    Args:
        options: the fleet.
        out: where the lines go.
        stop: ends it.
        script: faults with their times, played from when all clusters are ready.
        on_ready: called when they are.

    Raises:
        NoAddressError: there is no free address.
        UnheardError: `out` cannot be written.
    """
    count = len(options.each_cluster())
    with tempfile.TemporaryDirectory(prefix="pxm-fleet-") as folder:

        def announce(cluster: SimulatedCluster) -> None:
            ca_file = Path(folder, f"ca-{len(fleet.clusters)}.pem")
            ca_file.write_text(cluster.ca_pem)
            lines = [json.dumps(description(cluster, ca_file))]
            if len(fleet.clusters) == count:
                lines.append(json.dumps(control.line))
            # Together, because who reads the clusters alone may close the pipe after the last of them.
            try:
                out.write("".join(f"{line}\n" for line in lines))
                out.flush()
            except OSError as error:
                raise UnheardError from error

        fleet = Fleet(options)
        async with ControlApi(fleet.faults) as control:
            try:
                await fleet.start(announce)
                on_ready()
                await _play_until(script, fleet, stop)
            finally:
                await fleet.stop()


async def _play_until(script: Sequence[Step], fleet: Fleet, stop: asyncio.Event) -> None:
    playing = asyncio.create_task(play(script, fleet.faults, fleet.options.sleep, _complain))
    try:
        await stop.wait()
    finally:
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing


def _complain(text: str) -> None:
    print(f"pxm: {text}", file=sys.stderr)


def settle() -> None:
    """Keep the collector of cyclic garbage from going through the whole fleet again and again while it answers."""
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)


def allow_many_files() -> None:
    """Raise the limit of open files as far as it goes: each listener and connection is one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def serve_until_told(options: FleetOptions, script: Sequence[Step] = (), *, until_stdin_closes: bool = False) -> int:
    """Serve a fleet on stdout's word until SIGINT or SIGTERM.

    Args:
        options: the fleet.
        script: faults with their times.
        until_stdin_closes: end when stdin does as well, for a child process whose parent may die.

    Returns:
        The exit status: 0.
    """
    allow_many_files()
    asyncio.run(_serve_until_told(options, script, until_stdin_closes))
    return 0


async def _serve_until_told(options: FleetOptions, script: Sequence[Step], until_stdin_closes: bool) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if until_stdin_closes:
        threading.Thread(target=_watch_stdin, args=(loop, stop), name="stdin", daemon=True).start()
    await serve(options, sys.stdout, stop, script, settle)


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """Wait for the end of stdin. It is read below Python's buffer, whose lock would outlive the program."""
    while os.read(0, 4096):
        pass
    if not loop.is_closed():
        loop.call_soon_threadsafe(stop.set)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of a simulated fleet to a parser."""
    parser.add_argument("--clusters", type=int, default=3, metavar="N", help="how many clusters")
    parser.add_argument("--nodes", type=int, default=3, metavar="N", help="nodes of each; 1 is standalone")
    parser.add_argument("--guests", type=int, default=12, metavar="N", help="guests of each")
    parser.add_argument("--latency-ms", type=float, default=0, metavar="N", help="simulated round-trip time")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="what everything follows from")
    parser.add_argument("--pve", choices=(MIXED, *RELEASES), default=MIXED, help="release of Proxmox VE")
    parser.add_argument("--keys", choices=KEYS, default="ec", help="kind of the certificates' keys")
    parser.add_argument("--auth-delay", type=float, default=3.0, metavar="S", help="seconds a 401 is held back")
    parser.add_argument("--preset", choices=("demo",), help="a ready-made fleet instead of the numbers above")
    parser.add_argument("--scenario", type=Path, metavar="FILE", help="faults with their times, in TOML or JSON")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end when stdin does")


def options_from(arguments: argparse.Namespace) -> FleetOptions:
    """Make a fleet's options from parsed arguments."""
    options = FleetOptions(
        clusters=arguments.clusters,
        nodes=arguments.nodes,
        guests=arguments.guests,
        latency_ms=arguments.latency_ms,
        seed=arguments.seed,
        pve=arguments.pve,
        keys=arguments.keys,
        auth_delay=arguments.auth_delay,
    )
    return demo_fleet_options(options) if arguments.preset == "demo" else options


def script_from(arguments: argparse.Namespace, options: FleetOptions) -> list[Step]:
    """Read the scenario that was named in parsed arguments, if one was.

    Raises:
        ScenarioError: it cannot be read or played.
    """
    if arguments.scenario is None:
        return []
    return read_scenario(arguments.scenario, options.each_cluster())


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a simulated fleet from the command line."""
    parser = argparse.ArgumentParser(prog="python -m pxm_tui.simulator", description=__doc__)
    add_arguments(parser)
    parsed = parser.parse_args(arguments)
    try:
        options = options_from(parsed)
        script = script_from(parsed, options)
        options.each_cluster()
    except ValueError as error:
        parser.error(str(error))
    try:
        return serve_until_told(options, script, until_stdin_closes=parsed.until_stdin_closes)
    except UnheardError as error:
        sys.exit(f"the output cannot be written: {error.__cause__}")
