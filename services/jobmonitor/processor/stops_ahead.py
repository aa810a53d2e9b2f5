"""Reads stops ahead of all other requests: one takes effect though ten thousand submissions wait before it.

One consumer goes through the requests of all job types of the process and hands on the stops alone. Each comes again
in its turn, which then changes nothing. So this reads only what is published while it runs, keeps no offsets, and
passes over what fails.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer

from jobmonitor.contract.envelope import Event, Undecodable, decode
from jobmonitor.contract.events import JobStopRequested
from jobmonitor.runtime.backoff import Backoff
from jobmonitor.runtime.consumer import new_consumer, take
from jobmonitor.runtime.settings import KafkaSettings

RECORDS_MAX = 5_000
FETCH_BYTES_MAX = 1024 * 1024
"""Of one answer of the broker. It holds few messages at a time: all but the stops are dropped at once."""
PAUSES = Backoff(most_s=5.0)
MARK = b"job_stop_requested"
"""Stands in every stop as we and others write it; only what has it is decoded."""

log = structlog.stdlib.get_logger()

HandleStops = Callable[[list[Event]], Awaitable[None]]
"""May be called for a stop again, and by several workers at once."""


class StopsAhead:
    """``handlers`` by topic of requests."""

    def __init__(self, kafka: KafkaSettings, handlers: Mapping[str, HandleStops]) -> None:
        self._kafka = kafka
        self._handlers = handlers
        self._reading: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._reading = asyncio.create_task(self._go_on(), name="stops ahead")

    async def stop(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _go_on(self) -> None:
        failures = 0
        while True:
            consumer = new_consumer(
                self._kafka, *self._handlers, group_id=None, auto_offset_reset="latest", fetch_max_bytes=FETCH_BYTES_MAX
            )
            try:
                await consumer.start()
                while True:
                    await self._look(consumer)
                    failures = 0
            except Exception as error:
                failures += 1
                log.warning("stops_not_read_ahead", error=repr(error))
            finally:
                with suppress(Exception):
                    await consumer.stop()
            await asyncio.sleep(PAUSES.pause_s(failures))

    async def _look(self, consumer: AIOKafkaConsumer) -> None:
        found = await take(consumer, timeout_ms=1_000, records_max=RECORDS_MAX)
        for partition, records in found.items():
            stops = [event for record in records if (event := _stop_in(record)) is not None]
            if stops:
                await self._hand_on(partition.topic, stops)

    async def _hand_on(self, topic: str, stops: list[Event]) -> None:
        """What fails here is dealt with in its turn."""
        try:
            await self._handlers[topic](stops)
        except Exception as error:
            log.warning("stops_wait_for_their_turn", topic=topic, stops=len(stops), error=repr(error))


def _stop_in(record: Any) -> Event | None:
    if MARK not in (record.value or b""):
        return None
    try:
        event = decode(record.value)
    except Undecodable:
        return None
    return event if isinstance(event.data, JobStopRequested) else None
