"""The loop of the Proxmox client: results, errors, cancellation and callbacks across two loops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from pxm_tui.proxmox.loop import ClientLoop, InlineRunner


@pytest.fixture
def client() -> Iterator[ClientLoop]:
    with ClientLoop() as running:
        yield running


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "Proxmox client"]


async def test_no_thread_before_the_first_use(client: ClientLoop) -> None:
    assert threads() == []


async def test_work_runs_in_the_other_thread_and_gives_its_result(client: ClientLoop) -> None:
    async def work() -> tuple[int, str]:
        return threading.get_ident(), threading.current_thread().name

    ident, name = await client.run(work)
    assert ident != threading.get_ident()
    assert name == "Proxmox client"


async def test_errors_come_through(client: ClientLoop) -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await client.run(work)


async def test_work_may_hand_over_from_the_loop_itself(client: ClientLoop) -> None:
    async def inner() -> str:
        return "inner"

    async def outer() -> str:
        return await client.run(inner)

    assert await client.run(outer) == "inner"


async def test_cancelling_the_caller_cancels_the_work_and_waits_for_its_end(client: ClientLoop) -> None:
    running, events = asyncio.Event(), list[str]()
    tell = client.here(running.set)

    async def work() -> None:
        tell()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(3):
                await asyncio.sleep(0)
            events.append("cleaned up")

    caller = asyncio.create_task(client.run(work))
    await running.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert events == ["cleaned up"]


async def test_work_that_ends_in_spite_of_the_cancel_leaves_the_caller_cancelled(client: ClientLoop) -> None:
    running = asyncio.Event()
    tell = client.here(running.set)

    async def work() -> str:
        tell()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ValueError("in the middle") from None
        return "never"

    caller = asyncio.create_task(client.run(work))
    await running.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller


async def test_callbacks_arrive_in_order_on_the_callers_thread_before_the_result(client: ClientLoop) -> None:
    seen: list[tuple[int, int]] = []
    report = client.here(lambda number: seen.append((number, threading.get_ident())))

    async def work() -> None:
        for number in range(50):
            report(number)

    await client.run(work)
    assert seen == [(number, threading.get_ident()) for number in range(50)]


async def test_a_question_is_answered_on_the_callers_loop(client: ClientLoop) -> None:
    async def question(kind: str) -> str:
        return f"{kind} {threading.get_ident()}"

    ask = client.ask(question)

    async def work() -> str:
        return await ask("code")

    assert await client.run(work) == f"code {threading.get_ident()}"


async def test_cancelling_while_a_question_is_open_cancels_the_question(client: ClientLoop) -> None:
    asked, ended = asyncio.Event(), asyncio.Event()

    async def question() -> None:
        asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    ask = client.ask(question)

    async def work() -> None:
        await ask()

    caller = asyncio.create_task(client.run(work))
    await asked.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert ended.is_set()


async def test_close_cancels_what_runs_and_joins_the_thread() -> None:
    client, running, ended = ClientLoop(), asyncio.Event(), threading.Event()
    tell = client.here(running.set)

    async def work() -> None:
        tell()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    caller = asyncio.create_task(client.run(work))
    await running.wait()
    client.close()
    assert ended.is_set()
    assert threads() == []
    with pytest.raises(asyncio.CancelledError):
        await caller


async def test_a_closed_loop_takes_no_more_work() -> None:
    client = ClientLoop()
    client.close()
    client.close()

    async def work() -> None:
        raise AssertionError

    with pytest.raises(RuntimeError, match="closed"):
        await client.run(work)


def test_callbacks_and_results_for_a_loop_that_is_gone_are_dropped() -> None:
    with ClientLoop() as client:

        async def leave() -> None:
            report = client.here(lambda: None)

            async def work() -> None:
                loop = asyncio.get_running_loop()
                loop.call_later(0, lambda: later.append(report))

            await client.run(work)

        later: list[object] = []
        asyncio.run(leave())

        async def call_late() -> None:
            for report in later:
                assert callable(report)
                report()

        asyncio.run(client.run(call_late))
    assert len(later) == 1


async def test_inline_everything_is_done_at_the_place() -> None:
    runner, seen = InlineRunner(), list[int]()

    async def question(number: int) -> int:
        return number + 1

    async def work() -> int:
        runner.here(seen.append)(7)
        return await runner.ask(question)(1)

    assert await runner.run(work) == 2
    assert seen == [7]
