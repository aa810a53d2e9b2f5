"""One process serves fifteen job types: none stops another, and what it takes of broker and database is bounded."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import psutil
import pytest

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobSubmitted
from jobmonitor.contract.topics import jobs_topic, requests_topic, work_topic
from jobmonitor.processor.shares import connections
from support.engine import Engine, create_topics
from support.more_types import write_more_types
from support.processors import SERVICES, TESTS, processors
from support.waiting import until

LONG_S = 30
"""Longer than all that the others do."""


class Fifteen(NamedTuple):
    """A processor that serves fifteen types, which nobody used before."""

    process: psutil.Process
    slugs: Sequence[str]

    @property
    def long(self) -> str:
        """The type whose chunks take long."""
        return self.slugs[0]


@pytest.fixture
async def fifteen(engine: Engine, tmp_path: Path) -> AsyncIterator[Fifteen]:
    slugs = [f"probe-{uuid4().hex[:8]}-{number}" for number in range(15)]
    topics = [topic_of(slug) for slug in slugs for topic_of in (requests_topic, jobs_topic, work_topic)]
    await create_topics(engine.bootstrap, *topics)
    changed = {
        "PYTHONPATH": f"{SERVICES}:{TESTS}:{write_more_types(tmp_path / 'more', slugs)}",
        "JOBMONITOR_ACCOUNT_JOBS_MAX": "20",
        "JOBMONITOR_LEASE_S": "10",  # a transaction may be silent for four
    }
    with processors() as some:
        yield Fifteen(psutil.Process(some.start(engine, ",".join(slugs), **changed).pid), slugs)


async def submit(engine: Engine, slug: str, **parameters: Any) -> UUID:
    data = JobSubmitted(account_id=1, owner_id=2, job_type=slug, parameters={"effects": False} | parameters)
    event = Event(id=str(uuid4()), source="/tests", job_id=uuid4(), time=datetime.now(UTC), data=data)
    await engine.producer.send(requests_topic(slug), event)
    return event.job_id


async def under_way(engine: Engine, slug: str, kind: str) -> int:
    """How many chunks of the type are at work."""
    found: int = await engine.owner.fetchval(
        "SELECT count(*) FROM ledger.chunks JOIN ledger.runs USING (job_id) "
        "WHERE kind = $1 AND job_type = $2 AND lease_until > now()",
        kind,
        slug,
    )
    return found


async def all_completed(engine: Engine, jobs: Sequence[UUID]) -> None:
    async def completed() -> bool:
        states = await engine.owner.fetch("SELECT state FROM ledger.runs WHERE job_id = ANY($1)", jobs)
        return [row["state"] for row in states] == ["completed"] * len(jobs)

    await until(completed, within_s=60)


TAKES_ALL = {
    "work": {"units": 4, "chunk_s": LONG_S},
    "plan": {"units": 1, "plan_s": LONG_S},
    "assemble": {"units": 1, "assemble_s": LONG_S},
}
"""What keeps a chunk of each kind at work."""


@pytest.mark.parametrize("kind", TAKES_ALL)
async def test_however_many_long_chunks_one_type_has_the_others_go_on(
    engine: Engine, fifteen: Fifteen, kind: str
) -> None:
    jobs = [await submit(engine, fifteen.long, **TAKES_ALL[kind]) for _ in range(8)]
    wanted = {"work": 6, "plan": 3, "assemble": 6}[kind]

    async def many() -> bool:
        return await under_way(engine, fifteen.long, kind) >= wanted

    await until(many, within_s=60)
    others = [await submit(engine, slug, units=3, chunk_s=0.01) for slug in fifteen.slugs[1:]]
    await all_completed(engine, others)
    assert await under_way(engine, fifteen.long, kind) >= wanted, "they were at work all the time"
    states = await engine.owner.fetch("SELECT DISTINCT state FROM ledger.runs WHERE job_id = ANY($1)", jobs)
    assert not {row["state"] for row in states} & {"completed", "failed"}


async def test_its_connections_stay_within_what_is_documented(engine: Engine, fifteen: Fifteen) -> None:
    servers = {"kafka": _port_in(engine.bootstrap), "database": _port_in(engine.owner_url.rpartition("/")[0])}
    most = dict.fromkeys(servers, 0)
    jobs = [await submit(engine, slug, units=6, chunk_s=1) for slug in fifteen.slugs]
    done = asyncio.create_task(all_completed(engine, jobs))
    while not done.done():
        ports = Counter(_port_of_server(each) for each in fifteen.process.net_connections("tcp"))
        most = {name: max(most[name], ports[port]) for name, port in servers.items()}
        await asyncio.sleep(0.1)
    await done
    brokers = 1
    assert 15 < most["kafka"] <= 2 * brokers + 15 * (brokers + 1), most
    assert 15 < most["database"] <= connections(15).pool + 1, most


def _port_in(address: str) -> int:
    return int(address.rpartition(":")[2])


def _port_of_server(connection: Any) -> int:
    return connection.raddr.port if connection.raddr and connection.status == psutil.CONN_ESTABLISHED else 0
