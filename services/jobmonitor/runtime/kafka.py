"""The producer everybody uses: a send counts only when all in-sync replicas have the message."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidMessageError,
    InvalidTimestampError,
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)

from jobmonitor.contract.envelope import CONTENT_TYPE, TYPE_HEADER, Event, encode, type_name
from jobmonitor.contract.topics import MESSAGE_BYTES_MAX
from jobmonitor.runtime.dead_letters import DeadLetter
from jobmonitor.runtime.kafka_client import client_options
from jobmonitor.runtime.settings import KafkaSettings

SEND_TIMEOUT_S = 5.0
TOPIC_PAUSES_S = (0.1, 0.3, 0.6)
"""Between looking for a topic that seems not to exist."""
OVERHEAD_BYTES = 1024
"""Of the broker's limit, for what is not key or value: our two headers and Kafka's frame around a message."""
OWN_BYTES_MAX = MESSAGE_BYTES_MAX - OVERHEAD_BYTES
"""The most that key and value of a message of ours may have together."""

_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
_REFUSALS = (
    *_TOO_LARGE,
    InvalidMessageError,
    InvalidTimestampError,
    InvalidTopicError,
    TopicAuthorizationFailedError,
)

log = structlog.stdlib.get_logger()


class KafkaUnavailable(Exception):
    """The broker did not confirm in time. The message may or may not arrive; sending it again is safe."""


class MessageRefused(Exception):
    """Kafka answers, and does not take this message: sending it again as things stand changes nothing.

    The text says why, for an operator. ``too_large`` tells whether it never can be taken, whatever an operator does to
    the topic's existence or access lists.
    """

    def __init__(self, reason: str, *, too_large: bool = False) -> None:
        super().__init__(reason)
        self.too_large = too_large


Failure = KafkaUnavailable | MessageRefused


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
        """Publish these, those of one topic in this order, and wait for all.

        Raises KafkaUnavailable: at least one is unconfirmed; MessageRefused: all others are confirmed.
        """
        ...


class Producer:
    """A confirmed, idempotent producer, shared by all tasks of a process. ``start`` waits for the broker.

    Its connection is replaced when the broker refused a batch: aiokafka (0.14) counts the batch's messages all the
    same, and the broker then takes nothing more from it for that partition ("out of order sequence number").
    """

    def __init__(self, kafka: KafkaSettings, *, send_timeout_s: float = SEND_TIMEOUT_S) -> None:
        self._kafka = kafka
        self._send_timeout_s = send_timeout_s
        self._producer = self._new_producer()
        self._topics: set[str] = set()
        """Topics that exist, as far as we know."""
        self._worn: AIOKafkaProducer | None = None
        """The connection of which the broker refused a batch."""
        self._renewing = asyncio.Lock()
        self._discarded: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()
        for task in self._discarded:
            task.cancel()
        await asyncio.gather(*self._discarded, return_exceptions=True)

    async def check(self) -> None:
        """Ask the cluster for its metadata. Raises KafkaUnavailable when no broker answers."""
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await self._producer.client.fetch_all_metadata()
        except (KafkaError, OSError) as error:
            raise KafkaUnavailable("No broker answers.") from error

    async def send(self, topic: str, event: Event) -> None:
        """Publish one event under its job id. Raises KafkaUnavailable, MessageRefused."""
        await self.send_messages([outgoing(topic, event)])

    async def send_messages(self, messages: Iterable[Outgoing]) -> None:
        """See ``Sender``."""
        failures = [failure for failure in await self.deliver(list(messages)) if failure]
        unavailable = [failure for failure in failures if isinstance(failure, KafkaUnavailable)]
        for failure in unavailable or failures:
            raise failure

    async def deliver(self, messages: Sequence[Outgoing]) -> list[Failure | None]:
        """Publish these, those of one topic in this order; gives for each why it is not confirmed, None if it is.

        A topic that takes nothing holds up no other topic's messages.
        """
        producer = self._producer
        failures = await self._deliver_all(producer, messages)
        if self._worn is producer:
            await self._renew(producer)
            for index in _refused_together(messages, failures):
                failures[index] = await self._deliver_alone(messages[index])
        return failures

    async def _deliver_alone(self, message: Outgoing) -> Failure | None:
        """Kafka refuses whole batches: of several messages it does not tell which is too large."""
        producer = self._producer
        [failure] = await self._deliver(producer, message.topic, [message])
        if self._worn is producer:
            await self._renew(producer)
        return failure

    async def _deliver_all(self, producer: AIOKafkaProducer, messages: Sequence[Outgoing]) -> list[Failure | None]:
        by_topic: dict[str, list[int]] = {}
        for index, message in enumerate(messages):
            by_topic.setdefault(message.topic, []).append(index)
        answers = await asyncio.gather(
            *(
                self._deliver(producer, topic, [messages[index] for index in indexes])
                for topic, indexes in by_topic.items()
            )
        )
        failures: list[Failure | None] = [None] * len(messages)
        for indexes, answer in zip(by_topic.values(), answers, strict=True):
            for index, failure in zip(indexes, answer, strict=True):
                failures[index] = failure
        return failures

    async def _deliver(
        self, producer: AIOKafkaProducer, topic: str, messages: Sequence[Outgoing]
    ) -> list[Failure | None]:
        failures: list[Failure | None] = [self._unconfirmed()] * len(messages)
        begun: dict[int, asyncio.Future[object]] = {}
        try:
            async with asyncio.timeout(self._send_timeout_s):
                if not await self._exists(topic):
                    return [MessageRefused(f"There is no topic {topic}, or no right to see it.")] * len(messages)
                _keep_leaders(producer, topic)
                for index, message in enumerate(messages):
                    try:
                        begun[index] = await _begin(producer, message)
                    except _REFUSALS as error:
                        failures[index] = _refused(message, error)
                if begun:
                    await asyncio.wait(begun.values())
        except (KafkaError, TimeoutError) as error:
            self._topics.discard(topic)
            log.info("messages_unconfirmed", topic=topic, error=repr(error))
        for index, future in begun.items():
            if future.done():
                failures[index] = self._outcome(producer, messages[index], future)
        return failures

    def _outcome(
        self, producer: AIOKafkaProducer, message: Outgoing, future: "asyncio.Future[object]"
    ) -> Failure | None:
        error = future.exception()
        if error is None:
            return None
        self._worn = producer
        return _refused(message, error) if isinstance(error, _REFUSALS) else self._unconfirmed()

    async def _exists(self, topic: str) -> bool:
        """Raises KafkaError: the broker does not say. One that was just created needs a moment to be seen."""
        for pause_s in (0.0, *TOPIC_PAUSES_S):
            if topic in self._topics:
                break
            await asyncio.sleep(pause_s)
            self._topics = set((await self._producer.client.fetch_all_metadata()).topics())
        return topic in self._topics

    async def _renew(self, worn: AIOKafkaProducer) -> None:
        """Replace the connection. While the broker is away, the next refusal does it."""
        async with self._renewing:
            if self._producer is not worn:
                return
            fresh = self._new_producer()
            try:
                async with asyncio.timeout(self._send_timeout_s):
                    await fresh.start()
            except (KafkaError, OSError) as error:
                log.warning("producer_not_renewed", error=repr(error))
                self._discard(fresh)
                return
            self._producer = fresh
            log.info("producer_renewed")
            self._discard(worn)

    def _discard(self, producer: AIOKafkaProducer) -> None:
        """Let what others are sending with it leave; nobody waits for that."""
        task = asyncio.create_task(producer.stop())
        self._discarded.add(task)
        task.add_done_callback(self._discarded.discard)

    def _new_producer(self) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            **client_options(self._kafka),
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            compression_type="lz4",
            max_request_size=MESSAGE_BYTES_MAX,
        )

    def _unconfirmed(self) -> KafkaUnavailable:
        return KafkaUnavailable(f"The broker did not confirm within {self._send_timeout_s:g} s.")

    async def send_dead_letter(self, letter: DeadLetter) -> None:
        """Keep a message nobody could use, and wait until it is kept. Raises KafkaUnavailable.

        A message so large that it leaves no space for what we add is kept by its position alone.
        """
        try:
            await self._send_letter(letter)
        except MessageRefused:
            await self._send_letter(letter.by_position())

    async def _send_letter(self, letter: DeadLetter) -> None:
        await self.send_raw(letter.topic, letter.value, key=letter.key, headers=letter.headers)

    async def send_raw(
        self, topic: str, value: bytes | None, *, key: bytes | None, headers: Iterable[tuple[str, bytes]]
    ) -> None:
        """Publish these bytes as they are and wait until they are kept. Raises KafkaUnavailable, MessageRefused."""
        # aiokafka sends no message that has neither key nor value, which Kafka itself allows.
        value = b"" if key is None and value is None else value
        message, producer = Outgoing(topic, key or b"", value or b"", ""), self._producer
        try:
            async with asyncio.timeout(self._send_timeout_s):
                _keep_leaders(producer, topic)
                begun = await producer.send(topic, value, key=key, headers=list(headers))
                begun.add_done_callback(_look)
                await asyncio.wait([begun])
        except _REFUSALS as error:
            raise _refused(message, error) from error
        except (KafkaError, TimeoutError) as error:
            raise self._unconfirmed() from error
        if failure := self._outcome(producer, message, begun):
            await self._renew(producer)
            raise failure


def outgoing(topic: str, event: Event) -> Outgoing:
    """The event under its job id."""
    return Outgoing(topic, str(event.job_id).encode(), encode(event), type_name(event.data))


async def _begin(producer: AIOKafkaProducer, message: Outgoing) -> "asyncio.Future[object]":
    begun: asyncio.Future[object] = await producer.send(
        message.topic, message.value, key=message.key, headers=_headers(message)
    )
    begun.add_done_callback(_look)
    return begun


def _keep_leaders(producer: AIOKafkaProducer, topic: str) -> None:
    """Have the topic among those aiokafka (0.14) asks the broker for.

    At its start it learns of all topics and notes none. The first message to a topic it does not know makes it ask for
    the noted ones only; it forgets the leaders of all others, and what waits for them is sent too late or never.
    """
    producer.client.add_topic(topic)


def _look(future: "asyncio.Future[object]") -> None:
    """Retrieve the error of a send that nobody waits for any more, or asyncio would complain."""
    if not future.cancelled():
        future.exception()


def _refused(message: Outgoing, error: BaseException) -> MessageRefused:
    size = len(message.key) + len(message.value)
    reason = f"Topic {message.topic} does not take a message of {size:,} bytes: {type(error).__name__}."
    return MessageRefused(reason, too_large=isinstance(error, _TOO_LARGE))


def _refused_together(messages: Sequence[Outgoing], failures: Sequence[Failure | None]) -> list[int]:
    """Those the broker called too large, though alone they may not be."""
    return [
        index
        for index, (message, failure) in enumerate(zip(messages, failures, strict=True))
        if isinstance(failure, MessageRefused)
        and failure.too_large
        and len(messages) > 1
        and len(message.key) + len(message.value) <= OWN_BYTES_MAX
    ]


def _headers(message: Outgoing) -> list[tuple[str, bytes]]:
    return [("content-type", CONTENT_TYPE.encode()), (TYPE_HEADER, message.type.encode())]
