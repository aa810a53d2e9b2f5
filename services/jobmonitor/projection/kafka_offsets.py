"""Commits the folded offsets to Kafka too, for lag tools only: the database has the truth, and failures are ignored."""

import asyncio
import time
from collections.abc import Mapping

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from jobmonitor.projection.offsets import Partition, Position

COMMIT_EVERY_S = 1.0
COMMIT_TIMEOUT_S = 2.0

log = structlog.stdlib.get_logger()


class KafkaOffsets:
    """What was committed last, and when."""

    def __init__(self) -> None:
        self._committed: dict[TopicPartition, int] = {}
        self._committed_at = 0.0

    async def commit(
        self, consumer: AIOKafkaConsumer, positions: Mapping[Partition, Position], *, at_once: bool
    ) -> None:
        """Commit these if they are others than the last; at most once a second unless ``at_once``."""
        now = time.monotonic()
        if not at_once and now - self._committed_at < COMMIT_EVERY_S:
            return
        offsets = {TopicPartition(*partition): position.next_offset for partition, position in positions.items()}
        self._committed_at = now
        if not offsets or offsets == self._committed:
            return
        self._committed = offsets
        try:
            async with asyncio.timeout(COMMIT_TIMEOUT_S):
                await consumer.commit(offsets)
        except (KafkaError, TimeoutError) as error:
            log.info("offsets_not_committed", error=repr(error))
