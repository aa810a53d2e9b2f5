"""Whether the views are current: asked of Kafka and the database each time, not remembered."""

import asyncio
import time

from aiokafka import TopicPartition

from jobmonitor.database.pool import Pool
from jobmonitor.projection.projector import Projector
from jobmonitor.projection.settings import ProjectionSettings
from jobmonitor.runtime.monitoring import Check

ANSWER_TIMEOUT_S = 2.0
STUCK_AFTER_S = 30.0
"""With messages waiting, a flush has to succeed at least so often."""


class Readiness:
    """Answers the questions of ``/readyz`` about one projector."""

    def __init__(self, settings: ProjectionSettings, pool: Pool, projector: Projector) -> None:
        self._settings = settings
        self._pool = pool
        self._projector = projector
        self._began_at = time.monotonic()

    async def checks(self) -> dict[str, Check]:
        """Database, Kafka, how many messages wait, and whether they move."""
        database, (kafka, lag) = await asyncio.gather(self._database(), self._kafka())
        answers = {"database": database, "kafka": kafka}
        if lag is not None:
            answers |= {"lag": self._lag(lag), "flush": self._flush(lag)}
        return answers

    async def _database(self) -> Check:
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._pool.fetchval("SELECT 1")
        except Exception as error:  # whatever it is, the database is of no use to us
            return Check(ok=False, detail=repr(error))
        return Check(ok=True, detail="answers")

    async def _kafka(self) -> tuple[Check, int | None]:
        """The broker is asked for the ends of our partitions: the lag is true, and so is that it answers."""
        positions, consumer = self._projector.positions, self._projector.consumer
        if consumer is None or not self._projector.joined:
            return Check(ok=False, detail="not in the consumer group"), None
        if not positions:
            return Check(ok=True, detail="in the consumer group, without a partition"), 0
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                ends = await consumer.end_offsets([TopicPartition(*partition) for partition in positions])
        except Exception as error:  # whatever it is, the broker is of no use to us
            return Check(ok=False, detail=repr(error)), None
        lag = sum(max(0, ends[partition] - position.next_offset) for partition, position in positions.items())
        return Check(ok=True, detail=f"follows {len(positions)} partitions"), lag

    def _lag(self, lag: int) -> Check:
        most = self._settings.projection_ready_lag_events
        return Check(ok=lag <= most, detail=f"{lag} messages to fold, at most {most} when ready")

    def _flush(self, lag: int) -> Check:
        flushed_at = self._projector.flushed_at
        ago_s = time.monotonic() - (flushed_at or self._began_at)
        words = "never folded a batch" if flushed_at is None else f"last batch {ago_s:.1f} s ago"
        return Check(ok=lag == 0 or ago_s < STUCK_AFTER_S, detail=words)
