"""The outbox: messages commit with what they tell, leave right after the commit, and are never forgotten.

A process that dies between commit and send leaves its messages in the table; the reconciler sends them. A message may
therefore arrive twice; facts carry absolute values and a sequence, so that changes nothing.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import structlog

from jobmonitor.database.pool import Connection, Pool
from jobmonitor.ledger.runs import SQL
from jobmonitor.runtime.failures import is_temporary
from jobmonitor.runtime.kafka import KafkaUnavailable, Outgoing, Sender

DELETE_AFTER_S = 0.05
"""Rows that were sent are deleted together, so often at most: nobody waits for it."""

log = structlog.stdlib.get_logger()


class Outbox:
    """Puts messages into the table within a transaction, and sends them after it."""

    def __init__(self, pool: Pool, producer: Sender) -> None:
        self._pool = pool
        self._producer = producer
        self._sent: list[int] = []
        self._deleting: asyncio.Task[None] | None = None

    async def put(self, connection: Connection, messages: Sequence[Outgoing]) -> int:
        """Let these messages, one at least, leave with the connection's transaction; returns their row in the table."""
        place: int = await connection.fetchval(SQL["insert_outbox"], *_columns(messages))
        return place

    async def send(self, place: int, messages: Sequence[Outgoing]) -> None:
        """Send committed messages and forget them soon. With the broker away they stay for the reconciler."""
        try:
            await self._producer.send_messages(messages)
        except KafkaUnavailable:
            log.warning("outbox_kept", messages=len(messages))
            return
        self._sent.append(place)
        if self._deleting is None or self._deleting.done():
            self._deleting = asyncio.create_task(self._delete_sent())

    async def send_leftovers(self, *, older_than: timedelta, limit: int = 100) -> int:
        """Send what others left behind; returns how many messages. Raises KafkaUnavailable, keeping all."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(SQL["leftover_outbox"], older_than, limit)
            messages = [message for row in rows for message in _messages(row)]
            if rows:
                await self._producer.send_messages(messages)
                await connection.execute(SQL["delete_outbox"], [row["id"] for row in rows])
        return len(messages)

    async def close(self) -> None:
        """Forget what was sent; without it the reconciler sends some of it again."""
        if self._deleting is not None:
            await self._deleting

    async def _delete_sent(self) -> None:
        while self._sent:
            await asyncio.sleep(DELETE_AFTER_S)
            sent, self._sent = self._sent, []
            try:
                await self._pool.execute(SQL["delete_outbox"], sent)
            except Exception as error:
                if not is_temporary(error):
                    raise
                log.warning("outbox_not_tidied", rows=len(sent), error=repr(error))


def _columns(messages: Sequence[Outgoing]) -> tuple[list[object], ...]:
    return tuple(list(column) for column in zip(*messages, strict=True))


def _messages(row: asyncpg.Record) -> list[Outgoing]:
    columns = (row["topics"], row["keys"], row["values"], row["types"])
    return [Outgoing(*message) for message in zip(*columns, strict=True)]
