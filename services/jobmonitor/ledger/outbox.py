"""The outbox: messages commit with what they tell, leave right after the commit, and are never forgotten.

A process that dies between commit and send leaves its messages in the table; the reconciler sends them. A message may
therefore arrive twice; facts carry absolute values and a sequence, so that changes nothing.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple

import structlog

from jobmonitor.database.pool import Connection, Pool
from jobmonitor.ledger.runs import SQL
from jobmonitor.runtime.kafka import KafkaUnavailable, Sender

log = structlog.stdlib.get_logger()


class Message(NamedTuple):
    """One Kafka message to be."""

    topic: str
    key: bytes
    value: bytes


class Outbox:
    """Puts messages into the table within a transaction, and sends them after it."""

    def __init__(self, pool: Pool, producer: Sender) -> None:
        self._pool = pool
        self._producer = producer

    async def put(self, connection: Connection, messages: Sequence[Message]) -> list[int]:
        """Let these messages leave with the connection's transaction; returns their places in the table."""
        if not messages:
            return []
        topics, keys, values = (list(column) for column in zip(*messages, strict=True))
        rows = await connection.fetch(SQL["insert_outbox"], topics, keys, values)
        return [row["id"] for row in rows]

    async def send(self, ids: Sequence[int], messages: Sequence[Message]) -> None:
        """Send committed messages and drop them from the table. With the broker away they stay for the reconciler."""
        if not ids:
            return
        try:
            await self._producer.send_messages(messages)
        except KafkaUnavailable:
            log.warning("outbox_kept", messages=len(ids))
            return
        await self._pool.execute(SQL["delete_outbox"], ids)

    async def send_leftovers(self, *, older_than: timedelta, limit: int = 500) -> int:
        """Send what others left behind; returns how many. Raises KafkaUnavailable, keeping all."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(SQL["leftover_outbox"], older_than, limit)
            if rows:
                await self._producer.send_messages([(row["topic"], row["key"], row["value"]) for row in rows])
                await connection.execute(SQL["delete_outbox"], [row["id"] for row in rows])
        return len(rows)
