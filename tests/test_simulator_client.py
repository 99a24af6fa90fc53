"""The demo's fault injector against the control API of a simulated fleet."""

from __future__ import annotations

import pytest

from pxm_tui.domain.errors import InternalError, InvalidError
from pxm_tui.domain.secret import Secret
from pxm_tui.proxmox.loop import InlineRunner
from pxm_tui.services.faults import ActiveFault, FaultControl, FaultInjector
from pxm_tui.simulator.faults import FAULTS
from pxm_tui.simulator_client import HttpFaultInjector
from tests.simulator.trouble import Lab, lab


def injector(here: Lab, token: str | None = None) -> FaultInjector:
    return HttpFaultInjector(FaultControl(here.api.url, Secret(token or here.api.token)), InlineRunner())


async def test_what_can_go_wrong() -> None:
    async with lab() as here:
        kinds = {kind.name: kind for kind in await injector(here).kinds()}
    assert list(kinds) == [fault.name for fault in FAULTS]
    assert (kinds["slow"].per_node, kinds["slow"].default) == (True, 2000)
    assert "milliseconds" in kinds["slow"].means
    assert (kinds["no-quorum"].per_node, kinds["no-quorum"].means, kinds["no-quorum"].default) == (False, "", None)


async def test_a_fault_is_set_and_ended() -> None:
    async with lab() as here:
        faults = injector(here)
        first = (await faults.clusters())[0]
        assert (first.name, first.nodes, first.active) == ("lab", ("pve1", "pve2", "pve3"), ())
        assert list(first.urls) == here.cluster.endpoints
        assert (await faults.set("lab", "slow", "pve2", 300)).active == (ActiveFault("slow", "pve2", 300),)
        assert (await faults.set("lab", "no-quorum")).active[1:] == (ActiveFault("no-quorum", None, None),)
        assert here.cluster.state.partitioned
        assert len((await faults.clear("lab", "slow", "pve2")).active) == 1
        assert (await faults.clear("lab", "no-quorum")).active == ()


async def test_a_refusal_is_told_in_the_fleets_words() -> None:
    async with lab() as here:
        with pytest.raises(InvalidError, match="refuses: there is no cluster 'a/b c'"):
            await injector(here).set("a/b c", "down")
        with pytest.raises(InvalidError, match="not in force"):
            await injector(here).clear("lab", "down")
        with pytest.raises(InvalidError, match="token is missing or wrong") as caught:
            await injector(here, "another").kinds()
        assert "another" not in repr(caught.value)


async def test_a_fleet_that_has_ended_is_said() -> None:
    async with lab() as here:
        faults = injector(here)
    with pytest.raises(InternalError, match="does not take orders"):
        await faults.kinds()


def test_the_token_is_not_shown() -> None:
    assert "hidden" not in repr(FaultControl("http://127.0.0.1:1", Secret("hidden")))
