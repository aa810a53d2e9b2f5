"""Puts messages that cannot be folded among the dead letters."""

import asyncio
from collections.abc import Collection, Sequence

import structlog

from jobmonitor.projection.batch import Message, Rejected
from jobmonitor.projection.offsets import Partition
from jobmonitor.runtime.dead_letters import DeadLetter, dead_letter
from jobmonitor.runtime.failures import is_temporary
from jobmonitor.runtime.kafka import Producer
from jobmonitor.runtime.record_batches import why_unreadable

AT_ONCE = 100
"""Letters on their way at once: a flood of bad messages must not hold up the others for a round trip each."""

log = structlog.stdlib.get_logger()


class DeadLetterBox:
    """Keeps each message of a batch once, also when the batch has to be tried again."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._kept: set[tuple[str, int, int]] = set()

    async def keep(self, rejected: Sequence[Rejected]) -> None:
        """Send what was not sent yet, and wait until the broker has it. Raises KafkaUnavailable."""
        waiting = [one for one in rejected if _position(one.message) not in self._kept]
        for start in range(0, len(waiting), AT_ONCE):
            await asyncio.gather(*map(self._keep, waiting[start : start + AT_ONCE]))

    async def _keep(self, rejected: Rejected) -> None:
        message, reason = rejected.message, rejected.reason
        topic, partition, offset = _position(message)
        await self._send(_letter(message, reason), readable=why_unreadable(message) is None)
        self._kept.add((topic, partition, offset))
        log.warning("dead_letter", topic=topic, partition=partition, offset=offset, reason=reason)

    async def _send(self, letter: DeadLetter, *, readable: bool) -> None:
        """What cannot be sent whole is kept by its position: it stays where it came from."""
        try:
            await self._producer.send_dead_letter(letter if readable else letter.by_position())
        except Exception as error:
            if is_temporary(error) or not readable:
                raise
            log.warning("dead_letter_not_whole", error=repr(error))
            await self._producer.send_dead_letter(letter.by_position())

    def forget(self, partitions: Collection[Partition]) -> None:
        """The batch of these partitions is folded; another's may still have to be tried again."""
        self._kept = {each for each in self._kept if each[:2] not in partitions}


def _position(message: Message) -> tuple[str, int, int]:
    return message.topic, message.partition, message.offset


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
