"""A bug ends a processor; what it leaves behind, others take over at once."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobSubmitted
from jobmonitor.contract.topics import requests_topic, work_topic
from support.engine import Engine, create_topics, open_engine
from support.processors import processors

GROUP = "jobmonitor-processor-probe"


@pytest.fixture
async def engine(database: Any, kafka: Any, tmp_path: Path) -> AsyncIterator[Engine]:
    async with open_engine(database, kafka, tmp_path) as opened:
        yield opened


async def members(engine: Engine) -> int:
    """How many processes the broker believes to be in the group."""
    admin = AIOKafkaAdminClient(bootstrap_servers=engine.bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups([GROUP])
        (_, _, _, _, _, found, *_) = answer.groups[0]
        return len(found)
    finally:
        await admin.close()


async def test_a_processor_that_ends_by_a_bug_leaves_its_group_first(engine: Engine) -> None:
    """Else the broker would miss it only after ten seconds, in which nobody reads its partitions."""
    await create_topics(engine.bootstrap, requests_topic("probe"), work_topic("probe"))
    parameters = {"units": 1, "bug_attempts": 99, "file": False}
    data = JobSubmitted(account_id=1, owner_id=2, job_type="probe", parameters=parameters)
    event = Event(id=str(uuid4()), source="/tests", job_id=uuid4(), time=datetime.now(UTC), data=data)

    with processors() as some:
        process = some.start(engine, "probe")
        await engine.producer.send(requests_topic("probe"), event)
        assert await asyncio.to_thread(process.wait, 60) == 1
        assert await members(engine) == 0
