"""Reads the dead-letter topic to its end and publishes a letter's message again."""

import asyncio
from collections.abc import Awaitable

from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from jobmonitor.contract.topics import DEAD_LETTERS
from jobmonitor.dead_letters.kept import KeptLetter, KeptLetters, redrive_record
from jobmonitor.runtime.consumer import new_consumer
from jobmonitor.runtime.kafka import KafkaUnavailable, Producer
from jobmonitor.runtime.read_to_end import read_to_end
from jobmonitor.runtime.settings import KafkaSettings

ANSWER_TIMEOUT_S = 10.0
REQUEST_TIMEOUT_S = 5.0
"""Less than the answer's: a topic that is not there is looked for as long, and is to be told from a silent broker."""


class TopicMissing(Exception):
    """Kafka has no topic of dead letters yet."""


class NoAnswer(Exception):
    """Kafka does not answer, or stopped delivering."""


class MessageUnconfirmed(Exception):
    """Kafka did not confirm the letter's message. Publishing it once more is safe."""


class RecordUnconfirmed(Exception):
    """The message was published again, but Kafka did not confirm the record that says so."""


async def read_letters(kafka: KafkaSettings, *, whole: str | None = None) -> KeptLetters:
    """All letters there are at this moment; ``whole`` is the position of the one wanted with its message.

    Raises TopicMissing, NoAnswer.
    """
    letters = KeptLetters(whole)
    try:
        await _read(kafka, letters)
    except UnknownTopicOrPartitionError as error:
        raise TopicMissing from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise NoAnswer from error
    return letters


async def _read(kafka: KafkaSettings, letters: KeptLetters) -> None:
    consumer = new_consumer(
        kafka, DEAD_LETTERS, auto_offset_reset="earliest", request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000)
    )
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await consumer.start()
            ends = await consumer.end_offsets(consumer.assignment())
        async for batches in read_to_end(consumer, ends, silence_s=ANSWER_TIMEOUT_S):
            letters.add(record for records in batches.values() for record in records)
    finally:
        await consumer.stop()


async def redrive(kafka: KafkaSettings, letter: KeptLetter, by: str) -> None:
    """Publish the original message to its topic, then record who did.

    Raises NoAnswer, MessageUnconfirmed, RecordUnconfirmed, MessageRefused.
    """
    producer = Producer(kafka)
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            await producer.start()
        message = producer.send_raw(letter.topic, letter.value, key=letter.key, headers=letter.headers)
        await _confirmed(message, MessageUnconfirmed)
        await _confirmed(producer.send_dead_letter(redrive_record(letter.position, by)), RecordUnconfirmed)
    except (KafkaError, OSError, TimeoutError) as error:
        raise NoAnswer from error
    finally:
        await producer.stop()


async def _confirmed(sending: Awaitable[None], otherwise: type[Exception]) -> None:
    try:
        await sending
    except KafkaUnavailable as error:
        raise otherwise from error
