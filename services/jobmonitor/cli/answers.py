"""Waits for the answer to a submission with an idempotency key, which may have been used for another one before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer

from jobmonitor.cli.errors import CommandError
from jobmonitor.contract.envelope import Event, Undecodable, decode
from jobmonitor.contract.events import FirstFact, RequestRejected
from jobmonitor.contract.topics import jobs_topic
from jobmonitor.runtime.consumer import new_consumer, take
from jobmonitor.runtime.settings import KafkaSettings

LISTEN_S = 3.0
"""A repetition of the same request gets no answer; nor does any request while no worker runs."""
POLL_MS = 200


class Answers:
    """The facts of one job type from now on."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def must_not_be_rejected(self, asked: Event) -> None:
        """Raises CommandError: the key stands for another submission."""
        ends_at_s = asyncio.get_running_loop().time() + LISTEN_S
        while asyncio.get_running_loop().time() < ends_at_s:
            for batch in (await take(self._consumer, timeout_ms=POLL_MS, records_max=500)).values():
                for record in batch:
                    if _is_accepted(asked, record.value):
                        return


@asynccontextmanager
async def answers(kafka: KafkaSettings, job_type: str) -> AsyncIterator[Answers]:
    """Reads from now on."""
    consumer = new_consumer(kafka, jobs_topic(job_type), auto_offset_reset="latest")
    await consumer.start()
    try:
        for partition in consumer.assignment():
            await consumer.position(partition)
        yield Answers(consumer)
    finally:
        await consumer.stop()


def _is_accepted(asked: Event, value: bytes | None) -> bool:
    """Whether this fact says that the request was accepted. Raises CommandError: it was rejected."""
    if value is None or str(asked.job_id).encode() not in value:
        return False
    try:
        fact = decode(value).data
    except Undecodable:
        return False
    if isinstance(fact, RequestRejected) and fact.request_id == asked.id:
        raise CommandError(f"The key was used before for another request. {fact.reason} Take a fresh key.")
    return isinstance(fact, FirstFact) and fact.asked is not None and fact.asked.request_id == asked.id
