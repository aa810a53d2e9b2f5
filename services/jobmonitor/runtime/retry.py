"""Retries what failed for a temporary reason."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import structlog
from stamina import instrumentation, retry_context

from jobmonitor.runtime.backoff import Backoff
from jobmonitor.runtime.failures import is_temporary

__all__ = ["retry_context", "until_passed"]

USUAL = Backoff(most_s=5.0)
instrumentation.set_on_retry_hooks(())  # what is retried logs that itself, and commands print nothing of it

log = structlog.stdlib.get_logger()
Answer = TypeVar("Answer")


async def until_passed(
    act: Callable[[], Awaitable[Answer]],
    event: str,
    *,
    backoff: Backoff = USUAL,
    goes_on: Callable[[], bool] = lambda: True,
    **told: object,
) -> Answer:
    """Retry while it fails temporarily; each failure is logged as this event. Raises any other error: a bug.

    Once ``goes_on`` says no, raises the temporary failure too.
    """
    pause_s = _Pauses(backoff, event, goes_on, told)
    try:
        return await act()  # not within the context, which costs more than many of these calls
    except Exception as error:
        first_s = pause_s(error)
        if first_s is False:
            raise
    await asyncio.sleep(first_s)
    async for attempt in retry_context(on=pause_s, attempts=None, timeout=None):
        with attempt:
            return await act()
    raise AssertionError("unreachable")


class _Pauses:
    """How long to wait after each failure; False after one that is not to be retried."""

    def __init__(self, backoff: Backoff, event: str, goes_on: Callable[[], bool], told: Mapping[str, object]) -> None:
        self._backoff = backoff
        self._event = event
        self._goes_on = goes_on
        self._told = told
        self._failures = 0

    def __call__(self, error: Exception) -> float | bool:
        if not is_temporary(error) or not self._goes_on():
            return False
        self._failures += 1
        log.warning(self._event, **self._told, attempt=self._failures, error=repr(error))
        return self._backoff.pause_s(self._failures)
