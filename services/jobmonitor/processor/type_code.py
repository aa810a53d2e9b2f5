"""The border between the engine and a job type's own code.

What that code raises unexpectedly is a bug of this one type: it fails the try of one chunk, and neither the process nor
any other type notices. A bug of the engine's own ends the process.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TypeVar

from jobmonitor.job_types.hooks import TypeFailed
from jobmonitor.job_types.parameters import BadParameters
from jobmonitor.job_types.protocol import Refused, Stopped
from jobmonitor.ledger import LeaseLost
from jobmonitor.ledger.leases import JobStopped
from jobmonitor.ledger.transaction import MessageTooLarge
from jobmonitor.processor.counting import BadPart
from jobmonitor.runtime.failures import is_temporary

__all__ = ["TypeFailed", "of_type", "type_code", "was_bug"]

Item = TypeVar("Item")

_SAID_ON_PURPOSE = (Refused, Stopped, BadParameters, BadPart, LeaseLost, JobStopped, MessageTooLarge)


def was_bug(last_error: str | None) -> bool:
    """Whether the error that the ledger kept of a chunk's last try was a bug of its job type."""
    return (last_error or "").startswith(f"{TypeFailed.__name__}(")


@contextmanager
def type_code() -> Iterator[None]:
    """For calls of a job type's own code. Raises TypeFailed for its bugs; all that is no bug is raised as it is.

    A MemoryError and a RecursionError are bugs of the type: it asked for too much, and what it had is free again. So is
    a SystemExit, and a cancellation that nobody asked for: it would leave the chunk without a try that counts.
    """
    try:
        yield
    except _SAID_ON_PURPOSE:
        raise
    except asyncio.CancelledError as error:
        if _is_cancelled():
            raise
        raise TypeFailed(repr(error)) from error
    except (Exception, SystemExit) as error:
        if is_temporary(error):
            raise
        raise TypeFailed(repr(error)) from error


async def of_type(items: AsyncIterator[Item], item_type: type[Item]) -> AsyncIterator[Item]:
    """What a job type yields, one by one. Raises TypeFailed, also where it is no such item."""
    with type_code():
        async for item in items:
            if not isinstance(item, item_type):
                raise TypeError(f"expected {item_type.__name__}, got {type(item).__name__}")
            yield item


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
