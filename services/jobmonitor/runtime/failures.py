"""Which errors pass by themselves. Temporary ones are tried again; everything else unexpected is a bug and crashes."""

import random

import asyncpg
from aiokafka.errors import KafkaError
from obstore.exceptions import GenericError

from jobmonitor.runtime.kafka import KafkaUnavailable

TEMPORARY: tuple[type[BaseException], ...] = (
    OSError,  # includes refused and reset connections, and timeouts
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,  # raised for a connection closed under us, and so far for nothing else here
    asyncpg.InternalClientError,  # raised by asyncpg itself when a server goes away in the middle of an exchange
    asyncpg.OperatorInterventionError,  # the server is shutting down or starting
    asyncpg.IdleInTransactionSessionTimeoutError,  # the process was frozen for too long
    asyncpg.InsufficientResourcesError,  # disk full, too many connections
    asyncpg.TransactionRollbackError,  # serialization failure, deadlock
    GenericError,  # the object store's server did not answer well
    KafkaUnavailable,
    KafkaError,
)


def is_temporary(error: BaseException) -> bool:
    """Whether trying again later may help without anybody changing anything."""
    return isinstance(error, TEMPORARY)


def backoff_s(attempt: int, *, first_s: float = 0.5, most_s: float = 30.0) -> float:
    """How long to wait after the attempt (1 for the first): doubling, limited, with full jitter.

    Full jitter (any time between 0 and the limit) spreads those who failed together best: "Exponential Backoff And
    Jitter", AWS Architecture Blog, 2015. A tenth of the limit is kept as the least pause.
    """
    limit_s = min(most_s, first_s * 2 ** (attempt - 1))
    return random.uniform(limit_s / 10, limit_s)  # noqa: S311 - spreads load, protects no secret
