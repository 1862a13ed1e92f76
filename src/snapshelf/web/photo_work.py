"""The threads that decode photos and look at them."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from starlette.exceptions import HTTPException

from snapshelf.web.telemetry import Telemetry

T = TypeVar("T")

MOST_WAIT_S = 10.0
"""Who has waited so long for a free thread has gone, or will ask again."""


class PhotoWork:
    """One photo more at once than there are cores; the others wait, their files not yet in memory.

    Many more would be answered no sooner, and each holds up to 10 bytes a pixel while it is decoded. One more has work
    for the core whose photo waits for Python's lock; and so many again stand before the threads, so that none of them
    waits until the event loop has written an answer. Measured: docs/decisions/0020-serving.md.
    """

    def __init__(self, num_cores: int, telemetry: Telemetry) -> None:
        num_threads = num_cores + 1
        self._threads = ThreadPoolExecutor(num_threads, thread_name_prefix="photo")
        self._free = asyncio.Semaphore(2 * num_threads)
        self._waiting = 0
        self._wait = telemetry.stages.labels("wait")
        telemetry.waiting.set_function(lambda: self._waiting)

    async def do(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises.

        Raises:
            HTTPException: 503, where no thread was free in time.
        """
        await self._place()
        try:
            context = contextvars.copy_context()
            return await asyncio.get_running_loop().run_in_executor(self._threads, context.run, work)
        finally:
            self._free.release()

    async def _place(self) -> None:
        started = time.perf_counter()
        self._waiting += 1
        try:
            await asyncio.wait_for(self._free.acquire(), MOST_WAIT_S)
        except TimeoutError:
            detail = f"The server is busy: no photo was finished in {MOST_WAIT_S:g} s. Try again."
            raise HTTPException(503, detail, {"Retry-After": "1"}) from None
        finally:
            self._waiting -= 1
            self._wait.observe(time.perf_counter() - started)

    def close(self) -> None:
        """End the threads, after what they are at."""
        self._threads.shutdown()
