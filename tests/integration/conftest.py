"""Fixtures of the integration tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest

from jobmonitor.contract.topics import catalogue, view_topics, work_topic
from jobmonitor.database.pool import Pool, open_pool
from jobmonitor.job_types.outside_probe.job_type import OutsideProbe
from jobmonitor.job_types.registry import slugs
from jobmonitor.local.kafka import KafkaServer
from jobmonitor.runtime.objects import ObjectStore
from support.checked_world import Worlds, make_worlds
from support.crm import Crm
from support.engine import Engine, create_topics, open_engine
from support.gateway import USER, RunningGateway, running_gateway
from support.imports import Imports, PlainImports, open_plain_imports
from support.outside import OutsideService
from support.outside_jobs import SLUG, OutsideJobs
from support.projecting import Views, open_views
from support.servers import Database, Postgres
from support.uploading import SHAPE


@pytest.fixture
def engine_settings() -> dict[str, Any]:
    """What a file's tests want set otherwise for their engine."""
    return {}


@pytest.fixture
async def engine(
    database: Database, kafka: KafkaServer, tmp_path: Path, engine_settings: dict[str, Any]
) -> AsyncIterator[Engine]:
    """An engine on a database with two accounts, which keeps its files in the test's folder."""
    async with open_engine(database, kafka, tmp_path, **engine_settings) as opened:
        yield opened


@pytest.fixture
async def views(database: Database, kafka: KafkaServer) -> AsyncIterator[Views]:
    """Topics of this test's own, and the tables a projection of them fills."""
    async with open_views(database, kafka) as opened:
        yield opened


@pytest.fixture
async def superuser(database: Database) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    """A connection that sees everything."""
    connection = await asyncpg.connect(database.superuser_url)
    yield connection
    await connection.close()


@pytest.fixture
async def projection_pool(database: Database) -> AsyncIterator[Pool]:
    """Connections with the rights of the projection."""
    async with await open_pool(database.url("jobmonitor_projection"), size=4, application_name="test") as pool:
        yield pool


@pytest.fixture(scope="module")
def own_kafka(servers_folder: Path, jars: Path, request: pytest.FixtureRequest) -> Iterator[KafkaServer]:
    """A broker of this file's tests, on which no other test leaves jobs or misses what is deleted."""
    server = KafkaServer(servers_folder / f"kafka-of-{request.path.stem}", jars=jars)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
async def worlds(
    postgres: Postgres, own_kafka: KafkaServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Worlds]:
    """What ``jobmonitor check`` looks at: a busy and a calm moment of the same jobs."""
    database = postgres.fresh_database()
    made = await make_worlds(postgres, own_kafka, database, tmp_path_factory.mktemp("objects"))
    yield made
    postgres.drop(made.busy.database)
    postgres.drop(database)


@pytest.fixture
async def crm(database: Database) -> AsyncIterator[Crm]:
    """An account with nothing in it, read as the worker and as the gateway."""
    owner = await asyncpg.connect(database.superuser_url)
    pool = await open_pool(database.url("jobmonitor_worker"), size=2, application_name="test")
    gateway_pool = await open_pool(database.url("jobmonitor_gateway"), size=2, application_name="test")
    account = Crm(owner, pool, gateway_pool)
    await account.add_account()
    yield account
    await pool.close()
    await gateway_pool.close()
    await owner.close()


@pytest.fixture
def imports(crm: Crm) -> Imports:
    """Imports into that account."""
    return Imports(crm, ObjectStore("memory://"))


@pytest.fixture
def row_by_row(crm: Crm) -> Imports:
    """The same, but each row is a chunk of its own."""
    return Imports(crm, ObjectStore("memory://"), chunk_rows=1)


@pytest.fixture
def plain_imports(database: Database) -> Iterator[PlainImports]:
    """Imports into an account with nothing in it, for tests that are no coroutines."""
    with open_plain_imports(database) as opened:
        yield opened


@pytest.fixture(scope="session")
async def broker(kafka: KafkaServer) -> str:
    """A broker that has the topics of the job types; gives its address."""
    await create_topics(kafka.bootstrap, *(topic.name for topic in catalogue(slugs(with_probe=True))))
    return kafka.bootstrap


@pytest.fixture
async def gateway(database: Database, broker: str, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """A gateway with two accounts and five people, without jobs."""
    async with running_gateway(database, broker, tmp_path) as running:
        yield running


@pytest.fixture
async def importer(gateway: RunningGateway) -> httpx2.AsyncClient:
    """The first account's User, who may import; the account has something to fill."""
    await gateway.owner.execute(SHAPE)
    await gateway.owner.execute(
        "INSERT INTO crm.group_permissions (account_id, group_id, permission) VALUES (1, 1, 'import')"
    )
    return await gateway.logged_in(USER)


@pytest.fixture
async def outside_service() -> AsyncIterator[OutsideService]:
    """It counts what reaches it."""
    service = OutsideService()
    await service.start()
    yield service
    service.may_answer.set()
    await service.stop()


@pytest.fixture
async def outside_jobs(engine: Engine, outside_service: OutsideService) -> OutsideJobs:
    """Of the engine, which serves them now; they call the service."""
    await create_topics(engine.bootstrap, *view_topics(SLUG), work_topic(SLUG))
    engine.serve(OutsideProbe(outside_service.url))
    return OutsideJobs(engine)
