"""What a server does by itself, now and then."""

from __future__ import annotations

import asyncio
import itertools
import logging
from datetime import timedelta

from starlette.concurrency import run_in_threadpool

from snapshelf.adapters.sqlite_feedback import SqliteFeedback
from snapshelf.web.drift import DriftWatch
from snapshelf.web.memory import give_back
from snapshelf.web.state import ServerState

FORGET_FEEDBACK_EVERY_S = 3600
GIVE_BACK_MEMORY_EVERY_S = 60
LOOK_AT_PRODUCTS_EVERY_S = 3600

_log = logging.getLogger(__name__)


async def keep_up(state: ServerState, drift: DriftWatch | None = None) -> None:
    """Note how it goes, and let go of what was kept long enough; to the end of the server."""
    days = timedelta(days=state.settings.feedback_days)
    for seconds in itertools.count(0, state.history.step_s):
        if state.queue and seconds % FORGET_FEEDBACK_EVERY_S == 0:
            await _forget_feedback(state.queue, days)
        if drift:
            await _watch_drift(drift, anew=seconds % LOOK_AT_PRODUCTS_EVERY_S == 0)
        if seconds % GIVE_BACK_MEMORY_EVERY_S == 0:
            await run_in_threadpool(give_back)
        await asyncio.sleep(state.history.step_s)
        state.looks.forget_old()
        state.history.note()


async def _watch_drift(drift: DriftWatch, *, anew: bool) -> None:
    try:
        await run_in_threadpool(drift.follow, anew=anew)
    except Exception:  # a server of the index that does not answer; the next time will do
        _log.exception("What is usual could not be looked up")


async def _forget_feedback(queue: SqliteFeedback, older_than: timedelta) -> None:
    try:
        num = await run_in_threadpool(queue.forget, older_than)
    except Exception:  # a full disk, another process; the next time will do
        _log.exception("Old feedback could not be removed")
        return
    if num:
        _log.info("Feedback older than %s days was removed: %s", older_than.days, num)
