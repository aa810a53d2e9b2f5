"""Which errors are temporary. Those are retried; everything else unexpected is a bug and crashes."""

from collections.abc import Iterator

import asyncpg
from aiokafka.errors import KafkaError
from obstore.exceptions import GenericError

from jobmonitor.runtime.kafka import KafkaUnavailable


class Temporary(Exception):
    """For errors of our own that a retry may solve."""


class ServiceAway(Temporary):
    """A whole service cannot be reached, whoever asks. ``service`` is its name for people: ``the mail server``."""

    def __init__(self, service: str, problem: str = "does not answer") -> None:
        super().__init__(f"{service} {problem}")
        self.service = service


TEMPORARY: tuple[type[BaseException], ...] = (
    Temporary,
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

DATABASE = "the database"
FILE_STORE = "the file store"
_AWAY: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((asyncpg.CannotConnectNowError, asyncpg.TooManyConnectionsError), DATABASE),
    ((GenericError,), FILE_STORE),
    ((KafkaUnavailable, KafkaError), "the message broker"),
    ((ConnectionError, TimeoutError), "a service it needs"),
)
CONNECTION_CUT: tuple[type[BaseException], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
"""The database's end of a connection went away in the middle of a statement: with the whole server, or because of that
statement. Only asking the server tells which."""


def is_temporary(error: BaseException) -> bool:
    """Whether trying again later may help without anybody changing anything."""
    return isinstance(error, TEMPORARY)


def service_away(error: BaseException) -> str | None:
    """The name, for people, of the service whose outage this error tells of; None where it may be just this try's.

    What was raised while the error was being handled may hide it: a roll-back that failed too, for instance.
    """
    for each in _chain(error):
        if isinstance(each, ServiceAway):
            return each.service
        for types, name in _AWAY:
            if isinstance(each, types):
                return name
    return None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
