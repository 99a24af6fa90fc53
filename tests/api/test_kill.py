"""`kill -9` of the server in the middle of registrations: nothing half-registered, nothing minted and forgotten."""

from __future__ import annotations

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from pxm_tui.client import PxmApiError, PxmClient, RegisterRequest
from pxm_tui.simulator.control import SimulatedCluster
from pxm_tui.simulator.options import ClusterOptions, FleetOptions
from pxm_tui.simulator.thread import FleetThread
from tests.api.process import Place, serving, until
from tests.fleet_fixtures import FleetFactory

COUNT = 6
ROOT = "root@pam"


def request(cluster: SimulatedCluster) -> RegisterRequest:
    return RegisterRequest.model_validate(
        {
            "name": cluster.name,
            "api_endpoint": cluster.endpoint,
            "username": cluster.username,
            "password": cluster.password,
            "fingerprint": cluster.fingerprint,
        }
    )


def minted(cluster: SimulatedCluster) -> set[str]:
    """The tokens that pxm made on a cluster."""
    return {name for name in cluster.state.accounts.user(ROOT).tokens if name.startswith("pxm-")}


def mints(fleet: FleetThread) -> int:
    """How many tokens have been made in the whole fleet."""
    return sum(len(minted(cluster)) for cluster in fleet.clusters)


def register(url: str, token: str, cluster: SimulatedCluster) -> str | None:
    """The name, where the server acknowledged it before it was killed."""
    try:
        with PxmClient(url, token) as client:
            return client.register(request(cluster)).name
    except httpx.TransportError:
        return None


def records(place: Place) -> dict[str, dict[str, Any]]:
    done = place.pxm("list", "--json")
    assert done.returncode == 0, done.stdout
    return {record["name"]: record for record in json.loads(done.stdout)["clusters"]}


def intents(place: Place) -> set[str]:
    """The names of tokens that are written down as about to be made."""
    return {
        json.loads(path.read_bytes())["name"] for path in place.data.glob("state/**/*.json") if "intents" in str(path)
    }


@pytest.mark.parametrize("after", [0, 1, 3, COUNT])
def test_what_a_kill_leaves_is_whole(tmp_path: Path, fresh_fleet: FleetFactory, after: int) -> None:
    options = tuple(ClusterOptions(f"lab-{number}", nodes=1, guests=2, standalone=True) for number in range(COUNT))
    fleet = fresh_fleet(options=FleetOptions(auth_delay=0, latency_ms=15, cluster_options=options))
    place = Place(tmp_path)
    token = place.token("admin")
    with serving(place, "--live-limit", "1000") as server, ThreadPoolExecutor(COUNT) as callers:
        calls = [callers.submit(register, server.url, token, cluster) for cluster in fleet.clusters]
        until(lambda: mints(fleet) >= after)
        server.process.send_signal(signal.SIGKILL)
        acknowledged = {name for call in calls if (name := call.result())}

    found = records(place)
    assert acknowledged <= set(found)
    for cluster in fleet.clusters:
        known = {
            record["login"]["token_id"].partition("!")[2] for record in found.values() if record["name"] == cluster.name
        }
        assert minted(cluster) <= known | intents(place), "a token was made and forgotten"
        assert known <= minted(cluster), "a record has a token that is not there"
    check = place.pxm("check", "--json")
    assert {each["cluster"]["status"] for each in json.loads(check.stdout)["clusters"]} <= {"healthy"}

    # The next registration with that login takes the token away that the broken-off one left.
    with serving(place, "--live-limit", "1000") as server, PxmClient(server.url, token) as client:
        for cluster in fleet.clusters:
            if cluster.name not in found:
                client.register(request(cluster))
        with pytest.raises(PxmApiError, match="already_registered"):
            client.register(request(fleet.clusters[0]))
        whole = {record.name: record for record in client.list().clusters}
    assert set(whole) == {cluster.name for cluster in fleet.clusters}
    for cluster in fleet.clusters:
        assert minted(cluster) == {(whole[cluster.name].login.token_id or "").partition("!")[2]}
    assert intents(place) == set()
