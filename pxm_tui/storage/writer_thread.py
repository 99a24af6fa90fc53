"""One thread that does blocking work in order, and finishes what it began when the caller gives up."""

from __future__ import annotations

import time
from _thread import allocate_lock  # what `threading.Lock` is; importing threading would take a tenth of `pxm list`
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")


class WriterThread:
    """Runs work off the event loop, one at a time. The thread starts with the first work."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._executor: ThreadPoolExecutor | None = None
        self._starting = allocate_lock()
        self._ending = False

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` in the thread and give its result or raise its error.

        Cancelling the caller ends the waiting only: the work is done all the same.

        Raises:
            StorageError: the thread has ended.
        """
        import asyncio

        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        submitted = self._submit(work)
        submitted.add_done_callback(lambda done: _hand_over(loop, answer, done))
        return await answer

    def pause(self, seconds: float) -> bool:
        """Wait within the thread; True when `close` was called, and what waits should give up."""
        time.sleep(seconds)
        return self._ending

    def close(self) -> None:
        """Finish what was begun and end the thread. May be called twice."""
        with self._starting:
            self._ending = True
            executor = self._executor
        if executor is not None:
            executor.shutdown(wait=True)

    def _submit(self, work: Callable[[], T]) -> Future[T]:
        from concurrent.futures import ThreadPoolExecutor

        from pxm_tui.domain.errors import StorageError

        with self._starting:
            if self._ending:
                raise StorageError("storage_unusable", "Nothing can be written any more: pxm is ending.")
            if self._executor is None:
                self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=self._name)
            return self._executor.submit(work)


def _hand_over(loop: asyncio.AbstractEventLoop, answer: asyncio.Future[Any], done: Future[Any]) -> None:
    """Bring the outcome to the caller's loop, if that still runs."""
    try:
        loop.call_soon_threadsafe(_settle, answer, done)
    except RuntimeError:
        _log_lost(done)


def _settle(answer: asyncio.Future[Any], done: Future[Any]) -> None:
    error = done.exception()
    if answer.done():
        _log_lost(done)
    elif error is not None:
        answer.set_exception(error)
    else:
        answer.set_result(done.result())


def _log_lost(done: Future[Any]) -> None:
    """A failure that nobody waits for any more."""
    error = done.exception()
    if error is not None:
        import logging

        logging.getLogger(__name__).warning("work failed after its caller had given up: %s", error)
