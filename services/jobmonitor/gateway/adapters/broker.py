"""The gateway's Kafka producer: connects in the background, fails at once when it cannot send, recovers by itself.

A producer that once failed to get a message confirmed is replaced: it may have lost its position in the broker's
sequence, or hold a message nobody waits for any more.
"""

import asyncio
import contextlib
from collections.abc import Iterable

import structlog

from jobmonitor.contract.envelope import Event
from jobmonitor.runtime.backoff import Backoff
from jobmonitor.runtime.failures import is_temporary
from jobmonitor.runtime.kafka import KafkaUnavailable, MessageRefused, Outgoing, Producer, outgoing
from jobmonitor.runtime.monitoring import Check
from jobmonitor.runtime.settings import KafkaSettings

CHECK_EVERY_S = 5.0
RECONNECT = Backoff(most_s=2.0)
STOP_TIMEOUT_S = 2.0

log = structlog.stdlib.get_logger()


class Broker:
    """Sends when Kafka is there; raises KafkaUnavailable at once when it is known not to be."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._producer: Producer | None = None
        self._doubted = asyncio.Event()
        self._stopping: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Keep a working producer at hand until cancelled."""
        attempt = 1
        while True:
            try:
                async with asyncio.timeout(10):
                    producer = await self._connect()
            except Exception as error:
                if not is_temporary(error):
                    raise
                log.warning("kafka_not_reachable", attempt=attempt, error=repr(error))
                await asyncio.sleep(RECONNECT.pause_s(attempt))
                attempt += 1
                continue
            attempt = 1
            await self._watch(producer)

    def check(self) -> Check:
        """Whether a broker answered at the last look, a few seconds ago at most."""
        if self._producer is None:
            return Check(ok=False, detail=f"no broker answers at {self._kafka.kafka_bootstrap}")
        return Check(ok=True, detail="a broker answers")

    async def send(self, topic: str, event: Event) -> None:
        """Publish one event under its job id and wait for all replicas. Raises KafkaUnavailable."""
        await self.send_messages([outgoing(topic, event)])

    async def send_messages(self, messages: Iterable[Outgoing]) -> None:
        """Publish these in this order and wait for all. Raises KafkaUnavailable if one is unconfirmed."""
        if self._producer is None:
            raise KafkaUnavailable("No broker answers.")
        try:
            await self._producer.send_messages(messages)
        except KafkaUnavailable:
            self._doubted.set()
            raise
        except MessageRefused as error:  # no such topic, no right to it: people are told to try again, operators why
            log.error("message_refused", reason=str(error))  # noqa: TRY400 - the reason is all there is to know
            raise KafkaUnavailable(str(error)) from error

    async def close(self) -> None:
        """Let what is being sent leave, for a moment at most."""
        if self._producer is not None:
            self._discard(self._producer)
        if self._stopping:
            await asyncio.wait(self._stopping, timeout=STOP_TIMEOUT_S)

    async def _connect(self) -> Producer:
        producer = Producer(self._kafka)
        try:
            await producer.start()
        except BaseException:
            self._discard(producer)
            raise
        return producer

    async def _watch(self, producer: Producer) -> None:
        self._doubted.clear()
        self._producer = producer
        log.info("kafka_connected")
        try:
            while not self._doubted.is_set():
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(CHECK_EVERY_S):
                        await self._doubted.wait()
                await producer.check()
        except KafkaUnavailable:
            return
        finally:
            self._producer = None
            self._discard(producer)

    def _discard(self, producer: Producer) -> None:
        """Stopping flushes first, which can take as long as the broker is away: nobody waits for it."""
        task = asyncio.ensure_future(_stop(producer))
        self._stopping.add(task)
        task.add_done_callback(self._stopping.discard)


async def _stop(producer: Producer) -> None:
    try:
        await producer.stop()
    except Exception as error:  # it is being discarded: its errors no longer matter
        log.debug("producer_discarded", error=repr(error))
