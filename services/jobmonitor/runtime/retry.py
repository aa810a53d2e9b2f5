"""Retries what failed for a temporary reason."""

from collections.abc import Awaitable, Callable
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
    failures = 0

    def pause_s(error: Exception) -> float | bool:
        nonlocal failures
        if not is_temporary(error) or not goes_on():
            return False
        failures += 1
        log.warning(event, **told, attempt=failures, error=repr(error))
        return backoff.pause_s(failures)

    async for attempt in retry_context(on=pause_s, attempts=None, timeout=None):
        with attempt:
            return await act()
    raise AssertionError("unreachable")
