"""What the chaos run reads of a real database and broker, and that a row too many or too few is seen there."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from chaos.history import Told
from chaos.shapes import SHAPES
from chaos.verdict import judge
from chaos.world import World, read_world
from jobmonitor.contract.envelope import encode
from jobmonitor.contract.topics import DEAD_LETTERS, work_topic
from jobmonitor.job_types.user_data_import.job_type import UserDataImport
from jobmonitor.local.kafka import KafkaServer
from jobmonitor.runtime.dead_letters import dead_letter
from support.crm import Crm
from support.engine import Engine, create_topics, read_events
from support.import_engine import import_engine

UNITS = 4


@pytest.fixture
def kafka(own_kafka: KafkaServer) -> KafkaServer:
    """All dead letters of a broker are looked at: other tests' are not among them."""
    return own_kafka


@pytest.fixture
async def engine(engine: Engine) -> Engine:
    await create_topics(engine.bootstrap, DEAD_LETTERS)
    return engine


async def completed(engine: Engine, superuser: "asyncpg.Connection[asyncpg.Record]") -> Mapping[UUID, Told]:
    """A job that was done, and is shown as the projection would; and what its client knows."""
    job_id = await engine.submit(units=UNITS, chunk_units=2)
    await engine.run_to_end(job_id)
    return await shown(superuser, job_id, shape="one step", job_type="probe", parameters={"units": UNITS})


async def imported(engine: Engine, crm: Crm, superuser: "asyncpg.Connection[asyncpg.Record]") -> Mapping[UUID, Told]:
    """The same of an import whose people take part in something."""
    importing = await import_engine(engine, crm, UserDataImport())
    page, _ = await crm.page("Meadows", status="live")
    job_id = await importing.submit("Email\r\nada@x.test\r\nbob@x.test\r\n", page=page)
    await importing.run_to_end(job_id)
    (shape,) = [shape for shape in SHAPES if shape.job_type == UserDataImport.slug]
    return await shown(superuser, job_id, shape=shape.name, job_type=shape.job_type, parameters={"page": page})


async def shown(superuser: "asyncpg.Connection[asyncpg.Record]", job_id: UUID, **asked: Any) -> Mapping[UUID, Told]:
    """Show it as the projection would; gives what its client knows."""
    await superuser.execute(
        "INSERT INTO projection.job_monitor (job_id, number, account_id, owner_id, job_type, state, sequence, done, "
        "total, rejected, result, updated_at) SELECT job_id, 10001, account_id, owner_id, job_type, state, sequence, "
        "done, total, 0, result, now() FROM ledger.runs WHERE job_id = $1",
        job_id,
    )
    await superuser.executemany(
        "INSERT INTO projection.job_timeline (job_id, type, slot, event_id, account_id, owner_id, at, data) "
        "VALUES ($1, $2, 0, $2, 1, 2, now(), '{}')",
        [(job_id, "job_started"), (job_id, "job_completed")],
    )
    return {job_id: Told(job_id=job_id, key="k", account_id=1, owner_id=2, submitted="ok", **asked)}


async def look(database: Any, engine: Engine) -> World:
    await engine.ledger.outbox.close()
    return await read_world(database.superuser_url, engine.bootstrap)


async def test_a_job_that_was_done_once_holds(database: Any, engine: Engine, superuser: Any) -> None:
    asked = await completed(engine, superuser)
    verdict = judge(asked, await look(database, engine))
    assert verdict.held, verdict.breaches


@pytest.mark.parametrize(
    ("plant", "lost", "doubled"),
    [
        ("INSERT INTO probe.effects SELECT * FROM probe.effects WHERE unit = 1", 0, 1),
        ("DELETE FROM probe.effects WHERE unit = 1", 1, 0),
        ("DELETE FROM projection.job_monitor", 1, 0),
        ("UPDATE projection.job_monitor SET state = 'running'", 1, 0),
        ("DELETE FROM ledger.runs", 1, 0),
    ],
)
async def test_what_is_planted_in_the_database_is_found(
    database: Any, engine: Engine, superuser: Any, plant: str, lost: int, doubled: int
) -> None:
    asked = await completed(engine, superuser)
    await superuser.execute(plant)
    verdict = judge(asked, await look(database, engine))
    assert (verdict.lost, verdict.doubled) == (lost, doubled), verdict.breaches


@pytest.mark.parametrize(
    ("plant", "lost", "doubled"),
    [
        ("SELECT", 0, 0),
        ("DELETE FROM crm.activities", 1, 0),
        ("DELETE FROM crm.activities WHERE id = (SELECT min(id) FROM crm.activities)", 1, 0),
        ("DELETE FROM crm.import_rows", 1, 0),
        ("DELETE FROM crm.import_rows WHERE row_no = 2", 1, 0),
        (
            "INSERT INTO crm.activities (account_id, supporter_id, campaign_id, type, occurred_at, source, job_id) "
            "SELECT account_id, supporter_id, campaign_id, type, occurred_at, source, job_id "
            "FROM crm.activities LIMIT 1",
            0,
            1,
        ),
    ],
)
async def test_what_is_planted_in_an_import_is_found(
    database: Any, engine: Engine, crm: Crm, superuser: Any, plant: str, lost: int, doubled: int
) -> None:
    asked = await imported(engine, crm, superuser)
    await superuser.execute(plant)
    verdict = judge(asked, await look(database, engine))
    assert (verdict.lost, verdict.doubled) == (lost, doubled), verdict.breaches
    assert verdict.held == (lost + doubled == 0)


async def test_a_dead_letter_is_found_with_its_job(database: Any, engine: Engine) -> None:
    job_id = await engine.submit(units=1, chunk_units=1, chunk_s=0.01)
    hint = next(event for event in await read_events(engine.bootstrap, work_topic("probe")) if event.job_id == job_id)
    await give_up(engine, encode(hint))
    await give_up(engine, b"no JSON", reason=f"nonsense {job_id}")
    world = await look(database, engine)
    assert job_id in world.dead_lettered
    assert f"nonsense {job_id}" in world.strange_letters


async def give_up(engine: Engine, value: bytes, reason: str = "Tried too often.") -> None:
    letter = dead_letter(
        topic=work_topic("probe"),
        partition=0,
        offset=uuid4().int % 10**9,
        key=b"k",
        value=value,
        headers=[],
        reason=reason,
        process="processor",
    )
    await engine.producer.send_dead_letter(letter)
