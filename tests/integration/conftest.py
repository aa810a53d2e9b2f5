"""Fixtures of the integration tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from jobmonitor.contract.topics import catalogue
from jobmonitor.database.pool import open_pool
from jobmonitor.local.kafka import KafkaServer
from jobmonitor.runtime.objects import ObjectStore
from support.crm import Crm
from support.engine import create_topics
from support.gateway import RunningGateway, running_gateway
from support.imports import Imports, PlainImports, open_plain_imports
from support.servers import Database


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
    await create_topics(kafka.bootstrap, *(topic.name for topic in catalogue(with_probe=True)))
    return kafka.bootstrap


@pytest.fixture
async def gateway(database: Database, broker: str, tmp_path: Path) -> AsyncIterator[RunningGateway]:
    """A gateway with two accounts and five people, without jobs."""
    async with running_gateway(database, broker, tmp_path) as running:
        yield running
