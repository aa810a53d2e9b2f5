"""Retries what failed for a temporary reason."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count
from typing import TypeVar

import structlog
from stamina import instrumentation, retry_context

from jobmonitor.runtime.backoff import Backoff
from jobmonitor.runtime.failures import is_temporary

__all__ = ["retry_context", "until_passed"]

PAUSES = Backoff(most_s=5.0)
instrumentation.set_on_retry_hooks(())  # what is retried logs that itself, and commands print nothing of it

log = structlog.stdlib.get_logger()
Answer = TypeVar("Answer")


async def until_passed(
    act: Callable[[], Awaitable[Answer]], event: str, *, goes_on: Callable[[], bool] = lambda: True, **told: object
) -> Answer:
    """Retry while it fails temporarily; each failure is logged as this event. Raises any other error: a bug.

    Once ``goes_on`` says no, before or after a pause, raises the temporary failure too.
    """
    for attempt in count(1):
        try:
            return await act()
        except Exception as error:
            if not is_temporary(error) or not goes_on():
                raise
            log.warning(event, **told, attempt=attempt, error=repr(error))
            await asyncio.sleep(PAUSES.pause_s(attempt))
            if not goes_on():
                raise
    raise AssertionError("unreachable")
