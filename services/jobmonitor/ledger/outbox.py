"""The outbox: messages commit with what they tell, leave right after the commit, and are never forgotten.

A process that dies between commit and send leaves its messages in the table; the reconciler sends them. A message may
therefore arrive twice; facts carry absolute values and a sequence, so that changes nothing.

A message that Kafka refuses gets a row of its own and is retried with growing pauses; nothing waits behind it.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import asyncpg
import structlog

from jobmonitor.database.pool import Connection, Pool
from jobmonitor.ledger.runs import SQL
from jobmonitor.runtime.backoff import Backoff
from jobmonitor.runtime.failures import is_temporary
from jobmonitor.runtime.kafka import Failure, KafkaUnavailable, MessageRefused, Outgoing, Producer, Sender

DELETE_AFTER_S = 0.05
"""Rows that were sent are deleted together, so often at most: nobody waits for it."""
ROWS_MAX = 50
"""Rows sent together. One holds what a whole transaction had to say, of 200 jobs at most."""
UNCONFIRMED = Backoff(first_s=1.0, most_s=60.0)
REFUSED = Backoff(first_s=60.0, most_s=600.0)
"""Pauses before the next try. A refused message waits for an operator: for a topic, a right, another limit."""

log = structlog.stdlib.get_logger()


class Leftovers(NamedTuple):
    """What became of messages that others left behind."""

    sent: int
    too_large: list[Outgoing]
    """These can never be sent."""


class OutboxState(NamedTuple):
    """What waits in the outbox."""

    refused: int
    """Rows that Kafka does not take."""
    oldest_s: float
    """How long the oldest row waits; 0 where none does."""


class Outbox:
    """Puts messages into the table within a transaction, and sends them after it."""

    def __init__(self, pool: Pool, producer: Sender) -> None:
        self._pool = pool
        self._producer = producer
        self._sent: list[int] = []
        self._deleting: asyncio.Task[None] | None = None

    async def put(self, connection: Connection, messages: Sequence[Outgoing]) -> int:
        """Let these messages, one at least, leave with the connection's transaction; returns their row in the table."""
        row_id: int = await SQL["insert_outbox"].fetchval(connection, **_columns(messages))
        return row_id

    async def send(self, row_id: int, messages: Sequence[Outgoing]) -> None:
        """Send committed messages and forget them soon. What is not confirmed stays for the reconciler."""
        try:
            await self._producer.send_messages(messages)
        except (KafkaUnavailable, MessageRefused) as error:
            log.warning("outbox_kept", messages=len(messages), error=str(error))
            return
        self._sent.append(row_id)
        if self._deleting is None or self._deleting.done():
            self._deleting = asyncio.create_task(self._delete_sent())

    async def send_leftovers(self, producer: Producer, *, older_than: timedelta, limit: int = ROWS_MAX) -> Leftovers:
        """Send what others left behind. Raises KafkaUnavailable when no broker answers; everything is kept then."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await SQL["leftover_outbox"].fetch(connection, older_than=older_than, limit=limit)
            messages = [message for row in rows for message in _messages(row)]
            failures = await producer.deliver(messages) if messages else []
            if messages and all(isinstance(failure, KafkaUnavailable) for failure in failures):
                await producer.check()
            await SQL["delete_outbox"].execute(connection, ids=[row["id"] for row in rows])
            outcomes = list(zip(messages, failures, strict=True))
            for row in rows:
                those, outcomes = outcomes[: len(row["topics"])], outcomes[len(row["topics"]) :]
                await _keep(connection, row, those)
        too_large = [
            message
            for message, failure in zip(messages, failures, strict=True)
            if isinstance(failure, MessageRefused) and failure.too_large
        ]
        return Leftovers(sent=failures.count(None), too_large=too_large)

    async def state(self) -> OutboxState:
        """What waits at this moment."""
        (row,) = await SQL["outbox_state"].fetch(self._pool)
        return OutboxState(**row)

    async def close(self) -> None:
        """Forget what was sent; without it the reconciler sends some of it again."""
        if self._deleting is not None:
            await self._deleting

    async def _delete_sent(self) -> None:
        while self._sent:
            await asyncio.sleep(DELETE_AFTER_S)
            sent, self._sent = self._sent, []
            try:
                await SQL["delete_outbox"].execute(self._pool, ids=sent)
            except Exception as error:
                if not is_temporary(error):
                    raise
                log.warning("outbox_not_tidied", rows=len(sent), error=repr(error))


async def _keep(
    connection: Connection, row: asyncpg.Record, outcomes: Sequence[tuple[Outgoing, Failure | None]]
) -> None:
    """What was not confirmed of a row: together, but for what was refused, which gets a row for each message."""
    unconfirmed = [message for message, failure in outcomes if isinstance(failure, KafkaUnavailable)]
    attempts = row["attempts"] + 1
    if unconfirmed:
        pause_s = UNCONFIRMED.pause_s(attempts)
        await _insert(connection, row, unconfirmed, refusal=None, pause_s=pause_s)
    for message, failure in outcomes:
        if isinstance(failure, MessageRefused):
            log.error("message_refused", topic=message.topic, key=message.key.decode(), reason=str(failure))
            pause_s = REFUSED.pause_s(attempts)
            await _insert(connection, row, [message], refusal=str(failure), pause_s=pause_s)


async def _insert(
    connection: Connection, row: asyncpg.Record, messages: Sequence[Outgoing], *, refusal: str | None, pause_s: float
) -> None:
    await SQL["keep_outbox"].execute(
        connection,
        **_columns(messages),
        created_at=row["created_at"],
        attempts=row["attempts"] + 1,
        refusal=refusal,
        pause=timedelta(seconds=pause_s),
    )


def _columns(messages: Sequence[Outgoing]) -> dict[str, list[Any]]:
    topics, keys, values, types = map(list, zip(*messages, strict=True))
    return {"topics": topics, "keys": keys, "values": values, "types": types}


def _messages(row: asyncpg.Record) -> list[Outgoing]:
    columns = (row["topics"], row["keys"], row["values"], row["types"])
    return [Outgoing(*message) for message in zip(*columns, strict=True)]
