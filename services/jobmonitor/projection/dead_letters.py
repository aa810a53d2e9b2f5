"""Puts messages that cannot be folded among the dead letters."""

from collections.abc import Collection, Sequence

import structlog

from jobmonitor.projection.batch import Message, Rejected
from jobmonitor.projection.places import Partition
from jobmonitor.runtime.dead_letters import DeadLetter, dead_letter
from jobmonitor.runtime.kafka import Producer

log = structlog.stdlib.get_logger()


class DeadLetterBox:
    """Keeps each message of a batch once, also when the batch has to be tried again."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._kept: set[tuple[str, int, int]] = set()

    async def keep(self, rejected: Sequence[Rejected]) -> None:
        """Send what was not sent yet, and wait until the broker has it. Raises KafkaUnavailable."""
        for message, reason in rejected:
            position = (message.topic, message.partition, message.offset)
            if position in self._kept:
                continue
            await self._producer.send_dead_letter(_letter(message, reason))
            self._kept.add(position)
            log.warning("dead_letter", topic=position[0], partition=position[1], offset=position[2], reason=reason)

    def forget(self, partitions: Collection[Partition]) -> None:
        """The batch of these partitions is folded; another's may still have to be tried again."""
        self._kept = {position for position in self._kept if position[:2] not in partitions}


def _letter(message: Message, reason: str) -> DeadLetter:
    return dead_letter(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        key=message.key,
        value=message.value,
        headers=message.headers,
        reason=reason,
        process="projection",
    )
