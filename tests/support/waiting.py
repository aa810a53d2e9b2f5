"""Waiting for a condition instead of for luck."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Answer = TypeVar("Answer")


async def until(condition: Callable[[], Awaitable[Answer | None]], *, within_s: float = 30.0) -> Answer:
    """The first truthy answer of the condition. Fails the test when there is none within the time."""
    ends_at = time.monotonic() + within_s
    while True:
        answer = await condition()
        if answer:
            return answer
        assert time.monotonic() < ends_at, f"still {answer!r} after {within_s:g} s"
        await asyncio.sleep(0.02)
