"""Uploads files as the gateway does, runs imports without the engine, and reads what came of them."""

import asyncio
import csv
import io
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec
import pytest

from jobmonitor.database.pool import account_transaction, open_pool
from jobmonitor.job_types.protocol import PlannedChunk, Refused
from jobmonitor.job_types.user_data_import.job_type import UserDataImport
from jobmonitor.job_types.user_data_import.parameters import UserDataImportParameters
from jobmonitor.runtime.objects import ObjectStore
from support.crm import Crm
from support.run_job_type import Ran, context_of, owner_of, plan_job, run_job_type
from support.servers import Database
from support.uploading import store_upload

Answer = TypeVar("Answer")


class Imports:
    """Imports into one account."""

    def __init__(self, crm: Crm, objects: ObjectStore, *, chunk_rows: int = 500) -> None:
        self.crm = crm
        self.objects = objects
        self.job_type = UserDataImport(chunk_rows=chunk_rows)

    async def upload(self, content: bytes | str, name: str = "people.csv") -> UUID:
        """Store the file; returns its id."""
        content, user_id = content.encode() if isinstance(content, str) else content, await self._somebody()
        about: Any = {"account_id": self.crm.account_id, "user_id": user_id}
        return await store_upload(self.crm.owner, self.objects, self.job_type, content, name, **about)

    async def _somebody(self) -> int:
        """The owner of the jobs that the tests run, made if there is none: nobody else may use the file."""
        owner, user_id = self.crm.owner, owner_of(self.crm.account_id)
        if not await owner.fetchval("SELECT count(*) FROM crm.users WHERE id = $1", user_id):
            email = f"admin@account{self.crm.account_id}.test"
            await self.crm.insert("users", id=user_id, email=email, name="Ada", user_type="admin", password_hash="hash")
            await owner.execute("ALTER TABLE crm.users ALTER COLUMN id RESTART WITH 1000")
        return user_id

    async def run(self, content: bytes | str, name: str = "people.csv", **parameters: Any) -> Ran:
        """Upload the file and import it."""
        upload = str(await self.upload(content, name))
        return await run_job_type(
            self.job_type, {"upload": upload, **parameters}, self.crm.pool, self.crm.account_id, objects=self.objects
        )

    async def refusal(self, **parameters: Any) -> Refused:
        """Why the request is refused at the door."""
        params = msgspec.convert(parameters, self.job_type.params_type)
        async with account_transaction(self.crm.gateway_pool, self.crm.account_id) as connection:
            with pytest.raises(Refused) as refused:
                await self.job_type.check(params, context_of(connection, self.crm.account_id, objects=self.objects))
        return refused.value

    async def planned_chunk(self, content: str) -> tuple[UserDataImportParameters, PlannedChunk]:
        """The only chunk of an import of this file."""
        params = UserDataImportParameters(upload=await self.upload(content))
        (chunk,) = await plan_job(self.job_type, params, self.crm.pool, self.crm.account_id, objects=self.objects)
        return params, chunk

    async def supporters(self) -> dict[str, dict[str, str]]:
        """``{address: {field or question: text}}`` of everybody in the account."""
        rows = await self.crm.owner.fetch(
            "SELECT email::text, name, value FROM crm.supporters AS s LEFT JOIN ("
            "SELECT supporter_id, name, value FROM crm.supporter_values JOIN crm.ads_fields ON id = field_id UNION ALL "
            "SELECT supporter_id, name, value FROM crm.answers JOIN crm.questions ON id = question_id"
            ") AS held ON held.supporter_id = s.id WHERE s.account_id = $1 ORDER BY s.id, name",
            self.crm.account_id,
        )
        found: dict[str, dict[str, str]] = {}
        for email, name, value in rows:
            held = found.setdefault(email, {})
            if name is not None:
                held[name] = value
        return found


def report(ran: Ran) -> list[dict[str, str]]:
    """The result file's rows, each under the headings."""
    return rows_of(ran.content)


def rows_of(content: bytes) -> list[dict[str, str]]:
    """The same of a file."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def outcomes(ran: Ran) -> list[tuple[str, str]]:
    """Address and outcome of each row, in order."""
    return [(row["Email"], row["Outcome"]) for row in report(ran)]


@dataclass(frozen=True)
class PlainImports:
    """Imports for tests that are no coroutines, as those of Hypothesis: with a loop of their own."""

    imports: Imports
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """Wait for it."""
        return self.loop.run_until_complete(work)


@contextmanager
def open_plain_imports(database: Database) -> Iterator[PlainImports]:
    """Into an account with nothing in it."""
    loop = asyncio.new_event_loop()
    crm = loop.run_until_complete(_open_crm(database))
    yield PlainImports(Imports(crm, ObjectStore("memory://")), loop)
    loop.run_until_complete(crm.pool.close())
    loop.run_until_complete(crm.owner.close())
    loop.close()


async def _open_crm(database: Database) -> Crm:
    owner = await asyncpg.connect(database.superuser_url)
    pool = await open_pool(database.url("jobmonitor_worker"), size=2, application_name="test")
    crm = Crm(owner, pool, pool)
    await crm.add_account()
    return crm
