"""Reads the dead-letter topic to its end and publishes a letter's message again, both straight at Kafka."""

import asyncio
from collections.abc import Awaitable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from jobmonitor.cli.errors import CommandError, no_answer
from jobmonitor.contract.topics import DEAD_LETTERS
from jobmonitor.dead_letters.kept import KeptLetter, KeptLetters, redrive_record
from jobmonitor.runtime.consumer import new_consumer, take
from jobmonitor.runtime.kafka import KafkaUnavailable, MessageRefused, Producer
from jobmonitor.runtime.settings import KafkaSettings

ANSWER_TIMEOUT_S = 10.0
BATCH_LETTERS = 5000
REQUEST_TIMEOUT_S = 5.0
"""Less than the answer's: a topic that is not there is looked for as long, and is to be told from a silent broker."""


def read_letters(kafka: KafkaSettings, *, whole: str | None = None) -> KeptLetters:
    """All letters there are at this moment; ``whole`` is the position of the one wanted with its message.

    Raises CommandError: Kafka does not answer, or has no such topic.
    """
    try:
        letters = KeptLetters(whole)
        asyncio.run(_read(kafka, letters))
    except UnknownTopicOrPartitionError as error:
        raise CommandError(f"Kafka has no topic {DEAD_LETTERS} yet. `jobmonitor topics --create` makes it.") from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise no_answer(kafka) from error
    return letters


def publish_again(kafka: KafkaSettings, letter: KeptLetter, by: str) -> None:
    """Publish the original message to its topic, then record who did. Raises CommandError."""
    asyncio.run(_publish_again(kafka, letter, by))


async def _read(kafka: KafkaSettings, letters: KeptLetters) -> None:
    consumer = new_consumer(
        kafka, DEAD_LETTERS, auto_offset_reset="earliest", request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000)
    )
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await consumer.start()
            ends = await consumer.end_offsets(consumer.assignment())
        for partition, end in ends.items():
            await _read_partition(consumer, partition, end, letters)
    finally:
        await consumer.stop()


async def _read_partition(consumer: AIOKafkaConsumer, partition: TopicPartition, end: int, to: KeptLetters) -> None:
    while (position := await consumer.position(partition)) < end:
        batches = await take(consumer, partition, timeout_ms=int(ANSWER_TIMEOUT_S * 1000), records_max=BATCH_LETTERS)
        if not batches and await consumer.position(partition) == position:
            raise TimeoutError
        to.add(record for records in batches.values() for record in records)


async def _publish_again(kafka: KafkaSettings, letter: KeptLetter, by: str) -> None:
    producer = Producer(kafka)
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await producer.start()
        await _confirm(
            producer.send_raw(letter.topic, letter.value, key=letter.key, headers=letter.headers),
            f"Kafka did not confirm the message of {letter.position}. Is topic {letter.topic} there? "
            "Redriving it once more is safe.",
        )
        await _confirm(
            producer.send_dead_letter(redrive_record(letter.position, by)),
            f"{letter.position} was published again, but Kafka did not confirm the record of it: others cannot see it.",
        )
    except (KafkaError, OSError, TimeoutError) as error:
        raise no_answer(kafka) from error
    finally:
        await producer.stop()


async def _confirm(sending: Awaitable[None], otherwise: str) -> None:
    try:
        await sending
    except KafkaUnavailable as error:
        raise CommandError(otherwise) from error
    except MessageRefused as error:
        raise CommandError(f"Kafka does not take it. {error}") from error
