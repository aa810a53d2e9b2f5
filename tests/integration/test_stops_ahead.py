"""Stops read ahead of all other requests: none is missed that is published meanwhile, and nothing else is handed on."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobStopRequested, JobSubmitted
from jobmonitor.local.kafka import KafkaServer
from jobmonitor.processor.stops_ahead import StopsAhead
from jobmonitor.runtime.kafka import Producer
from support.brokers import broker_at
from support.engine import create_topics
from support.job_events import NOON
from support.waiting import until

STOP = JobStopRequested(account_id=1, requested_by=2)


class Ahead:
    """The requests of one topic, and the stops that were handed on."""

    def __init__(self, kafka: KafkaServer) -> None:
        self.topic = f"requests.{uuid4()}"
        self.producer = Producer(broker_at(kafka.bootstrap))
        self.handed_on: list[str] = []
        self.failures: list[Exception] = []
        self.reader = StopsAhead(broker_at(kafka.bootstrap), {self.topic: self._handle})

    async def _handle(self, events: list[Event]) -> None:
        if self.failures:
            raise self.failures.pop()
        self.handed_on += [event.id for event in events]

    async def publish(self, data: Any) -> str:
        event = Event(id=str(uuid4()), source="/tests", job_id=uuid4(), time=NOON, data=data)
        await self.producer.send(self.topic, event)
        return event.id

    async def hears_a_stop(self) -> None:
        """Publishes stops until one is handed on: from then on it hears each."""

        async def heard() -> bool:
            await self.publish(STOP)
            return bool(self.handed_on)

        await until(heard)


@pytest.fixture
async def ahead(kafka: KafkaServer) -> AsyncIterator[Ahead]:
    opened = Ahead(kafka)
    await create_topics(kafka.bootstrap, opened.topic)
    await opened.producer.start()
    opened.reader.start()
    yield opened
    await opened.reader.stop()
    await opened.producer.stop()


async def test_only_stops_are_handed_on(ahead: Ahead) -> None:
    await ahead.hears_a_stop()
    named = {"note": "job_stop_requested"}
    submitted = await ahead.publish(JobSubmitted(account_id=1, owner_id=2, job_type="probe", parameters=named))
    await ahead.producer.send_raw(ahead.topic, b'{"type": "job_stop_requested"', key=b"key", headers=())
    stop = await ahead.publish(STOP)

    async def handed_on() -> bool:
        return stop in ahead.handed_on

    await until(handed_on)
    assert submitted not in ahead.handed_on


async def test_what_fails_keeps_no_other_stop_waiting(ahead: Ahead) -> None:
    await ahead.hears_a_stop()
    ahead.failures = [ZeroDivisionError()]
    await ahead.publish(STOP)

    async def failed() -> bool:
        return not ahead.failures

    await until(failed)
    stop = await ahead.publish(STOP)

    async def handed_on() -> bool:
        return stop in ahead.handed_on

    await until(handed_on)
