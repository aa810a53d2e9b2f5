"""The producer everybody uses: a send counts only when all in-sync replicas have the message."""

import asyncio
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from jobmonitor.contract.envelope import CONTENT_TYPE, TYPE_HEADER, Event, encode, type_name
from jobmonitor.runtime.dead_letters import DeadLetter
from jobmonitor.runtime.kafka_client import client_options
from jobmonitor.runtime.settings import KafkaSettings

SEND_TIMEOUT_S = 5.0


class KafkaUnavailable(Exception):
    """The broker did not confirm in time. The message may or may not arrive; sending it again is safe."""


class Outgoing(NamedTuple):
    """One event on its way to Kafka."""

    topic: str
    key: bytes
    value: bytes
    type: str
    """The event's type, for the header."""


class Sender(Protocol):
    """Whatever publishes confirmed messages."""

    async def send_messages(self, messages: Iterable[Outgoing]) -> None:
        """Publish these in this order and wait for all. Raises KafkaUnavailable if one is unconfirmed."""
        ...


class Producer:
    """A confirmed, idempotent producer, shared by all tasks of a process. ``start`` waits for the broker."""

    def __init__(self, kafka: KafkaSettings, *, send_timeout_s: float = SEND_TIMEOUT_S) -> None:
        self._send_timeout_s = send_timeout_s
        self._producer = AIOKafkaProducer(
            **client_options(kafka),
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            compression_type="lz4",
        )

    async def start(self) -> None:
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    async def check(self) -> None:
        """Ask the cluster for its metadata. Raises KafkaUnavailable when no broker answers."""
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await self._producer.client.fetch_all_metadata()
        except (KafkaError, OSError) as error:
            raise KafkaUnavailable("No broker answers.") from error

    async def send(self, topic: str, event: Event) -> None:
        """Publish one event under its job id. Raises KafkaUnavailable."""
        await self.send_messages([outgoing(topic, event)])

    async def send_messages(self, messages: Iterable[Outgoing]) -> None:
        """Publish these in this order and wait for all. Raises KafkaUnavailable if one is unconfirmed."""
        try:
            async with asyncio.timeout(self._send_timeout_s):
                waiting = [
                    await self._producer.send(message.topic, message.value, key=message.key, headers=_headers(message))
                    for message in messages
                ]
                await asyncio.gather(*waiting)
        except (KafkaError, TimeoutError) as error:
            raise KafkaUnavailable(f"The broker did not confirm within {self._send_timeout_s:g} s.") from error

    async def send_dead_letter(self, letter: DeadLetter) -> None:
        """Keep a message nobody could use, and wait until it is kept. Raises KafkaUnavailable.

        A message so large that it leaves no room for what we add is kept by its position alone.
        """
        try:
            await self._send_letter(letter)
        except MessageSizeTooLargeError:
            await self._send_letter(letter.by_position())

    async def _send_letter(self, letter: DeadLetter) -> None:
        await self.send_raw(letter.topic, letter.value, key=letter.key, headers=letter.headers)

    async def send_raw(
        self, topic: str, value: bytes | None, *, key: bytes | None, headers: Iterable[tuple[str, bytes]]
    ) -> None:
        """Publish these bytes as they are and wait until they are kept. Raises KafkaUnavailable."""
        # aiokafka sends no message that has neither key nor value, which Kafka itself allows.
        value = b"" if key is None and value is None else value
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await self._producer.send_and_wait(topic, value, key=key, headers=list(headers))
        except MessageSizeTooLargeError:
            raise
        except (KafkaError, TimeoutError) as error:
            raise KafkaUnavailable(f"The broker did not confirm within {self._send_timeout_s:g} s.") from error


def outgoing(topic: str, event: Event) -> Outgoing:
    """The event under its job id."""
    return Outgoing(topic, str(event.job_id).encode(), encode(event), type_name(event.data))


def _headers(message: Outgoing) -> list[tuple[str, bytes]]:
    return [("content-type", CONTENT_TYPE.encode()), (TYPE_HEADER, message.type.encode())]
