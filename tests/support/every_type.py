"""The samples of every installed job type, and small worlds to try them in."""

import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest

from jobmonitor.database.pool import Pool, account_transaction, open_pool
from jobmonitor.job_types.protocol import Context, JobType, PlannedChunk
from jobmonitor.job_types.registry import installed
from jobmonitor.runtime.objects import ObjectStore
from support.run_job_type import context_of, owner_of, plan_job
from support.samples import Sample, filled, samples_of
from support.servers import Database, Postgres
from support.uploading import store_upload

SUPPORTERS = 60
ACCOUNT = 1
FINE = 3
"""Units of a chunk, so that every sample has several."""

every_type = pytest.mark.parametrize("job_type", installed(), ids=lambda job_type: job_type.slug)


def samples(*, refused: bool = False) -> pytest.MarkDecorator:
    """Those that run, or those that are refused."""
    chosen = [(each, sample) for each in installed() for sample in samples_of(each) if bool(sample.refused) == refused]
    names = [f"{each.slug}: {sample.name}" for each, sample in chosen]
    return pytest.mark.parametrize(("job_type", "sample"), chosen, ids=names)


@dataclass(frozen=True)
class World:
    """A copy of the demo, with a file store of its own."""

    database: Database
    pool: Pool
    owner: "asyncpg.Connection[asyncpg.Record]"
    objects: ObjectStore

    async def parameters(self, job_type: JobType[Any], sample: Sample) -> dict[str, Any]:
        """Of the sample here, its file uploaded."""
        async with account_transaction(self.pool, ACCOUNT) as connection:
            options = msgspec.to_builtins(await job_type.options(self._context(connection)))
        parameters: dict[str, Any] = filled(sample.parameters, options or {})
        if sample.file is None:
            return parameters
        content, owner_id = sample.file.content("sample"), owner_of(ACCOUNT)
        upload = await store_upload(self.owner, self.objects, job_type, content, sample.file.name, user_id=owner_id)
        return {"upload": str(upload), **parameters}

    async def planned(self, job_type: JobType[Any], params: Any, job_id: UUID) -> list[PlannedChunk]:
        return await plan_job(job_type, params, self.pool, ACCOUNT, objects=self.objects, job_id=job_id)

    async def check(self, job_type: JobType[Any], params: Any) -> int:
        """How many units there are, if the job is not refused."""
        async with account_transaction(self.pool, ACCOUNT) as connection:
            await job_type.check(params, self._context(connection))
            return await job_type.count(params, self._context(connection))

    def _context(self, connection: Any) -> Context:
        return context_of(connection, ACCOUNT, objects=self.objects)


@asynccontextmanager
async def open_world(postgres: Postgres, demo_database: Database, objects: ObjectStore) -> AsyncIterator[World]:
    """Dropped afterwards."""
    database = postgres.copy_of(demo_database)
    owner = await asyncpg.connect(database.superuser_url)
    pool = await open_pool(database.url("jobmonitor_worker"), size=2, application_name="test")
    try:
        yield World(database, pool, owner, objects)
    finally:
        await pool.close()
        await owner.close()
        postgres.drop(database)


def finely_cut(job_type: JobType[Any]) -> JobType[Any]:
    """The same with small chunks: whole numbers called ``_chunk…`` are how large a type makes its own.

    Those of a type that has none, as the probe, are as small as the parameters of its samples say.
    """
    cut = copy.copy(job_type)
    for name, value in vars(job_type).items():
        if name.startswith("_chunk") and type(value) is int:
            setattr(cut, name, FINE)
    return cut
