"""The loop that the Proxmox client lives on, and how others hand work to it.

On the loop of the screens a refresh of many clusters would stall every key press; on a loop of its own it does not.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")

JOIN_SECONDS = 1.0


class InlineRunner:
    """Runs work where it is asked for: for the command line, which has nothing else to do meanwhile."""

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run `work()` and give its result."""
        return await work()

    def here(self, function: Callable[..., None]) -> Callable[..., None]:
        """The function itself: there is only one loop."""
        return function

    def ask(self, question: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        """The question itself: there is only one loop."""
        return question


class ClientLoop:
    """One event loop in one thread, started at its first use. A context manager, or call `close`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run `work()` on the client's loop and give its result.

        Cancelling the caller cancels the work and waits for its end.

        Raises:
            RuntimeError: the loop has been closed.
        """
        return await _hand_over(self._started(), work)

    def here(self, function: Callable[..., None]) -> Callable[..., None]:
        """Wrap `function` so that calls from the client's loop run on the present one, in order."""
        home = asyncio.get_running_loop()

        def call(*args: object, **kwargs: object) -> None:
            with contextlib.suppress(RuntimeError):  # nobody is left to be told
                home.call_soon_threadsafe(lambda: function(*args, **kwargs))

        return call

    def ask(self, question: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        """Wrap an asynchronous `question` so that, awaited on the client's loop, it runs on the present one."""
        home = asyncio.get_running_loop()

        def put(*args: object, **kwargs: object) -> Awaitable[T]:
            async def answer() -> T:
                return await question(*args, **kwargs)

            return _hand_over(home, answer)

        return put

    def close(self) -> None:
        """Cancel what runs, wait for its end and join the thread, for at most a second in all. Safe to repeat."""
        with self._lock:
            self._closed = True
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(loop.stop)
        thread.join(JOIN_SECONDS)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._closed:
                raise RuntimeError("the client's loop has been closed")
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_serve, args=(self._loop,), name="Proxmox client", daemon=True)
                self._thread.start()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(_end_all())
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def _end_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _hand_over(target: asyncio.AbstractEventLoop, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `work()` on another loop as if it were awaited here: results, errors and cancellation go through."""
    home = asyncio.get_running_loop()
    if home is target:
        return await work()
    ended: asyncio.Future[asyncio.Task[T]] = home.create_future()
    started: list[asyncio.Task[T]] = []

    def start() -> None:
        task = target.create_task(work())
        started.append(task)
        task.add_done_callback(tell)

    def tell(task: asyncio.Task[T]) -> None:
        with contextlib.suppress(RuntimeError):  # the caller's loop is gone
            home.call_soon_threadsafe(_settle, ended, task)

    def cancel() -> None:
        started[0].cancel()  # `start` was called before it

    target.call_soon_threadsafe(start)
    cancelled = False
    while not ended.done():
        try:
            await asyncio.shield(ended)
        except asyncio.CancelledError:
            cancelled = True
            target.call_soon_threadsafe(cancel)
    task = ended.result()
    if cancelled:
        if not task.cancelled():
            task.exception()  # seen: what happened meanwhile is nobody's any more
        raise asyncio.CancelledError
    return task.result()


def _settle(ended: asyncio.Future[asyncio.Task[T]], task: asyncio.Task[T]) -> None:
    if not ended.done():
        ended.set_result(task)
