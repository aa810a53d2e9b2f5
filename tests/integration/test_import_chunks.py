"""Chunks of imports by themselves: what happens when a row comes twice, or somebody else is quicker."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from jobmonitor.database.pool import account_transaction
from jobmonitor.job_types.protocol import Part
from jobmonitor.job_types.user_data_import.store import SupporterAddedMeanwhile
from jobmonitor.runtime.failures import is_temporary
from support.imports import Imports
from support.run_job_type import context_of
from support.waiting import until


async def test_a_row_recorded_before_cannot_be_imported_again_by_the_same_job(imports: Imports) -> None:
    """Beneath the engine's own promise: the rows' key."""
    await imports.crm.fields("Email")
    params, chunk = await imports.planned_chunk("Email\r\na@x.org\r\n")
    job_id = uuid4()

    async def run() -> None:
        async with account_transaction(imports.crm.pool, 1) as connection:
            await imports.job_type.run_chunk(params, chunk.payload, context_of(connection, job_id=job_id))

    await run()
    with pytest.raises(asyncpg.UniqueViolationError):
        await run()


@dataclass
class AtOnce:
    """A chunk that runs while somebody else's transaction is open."""

    imports: Imports
    others: Any
    params: Any
    payload: Any

    async def run(self) -> Part:
        """The chunk, as a job of its own."""
        async with account_transaction(self.imports.crm.pool, 1) as connection:
            context = context_of(connection, job_id=uuid4())
            return await self.imports.job_type.run_chunk(self.params, self.payload, context)

    async def run_until_the_others_commit(self) -> Part:
        """Commits as soon as the chunk waits."""
        running = asyncio.create_task(self.run())
        await until(self._waits)
        await self.others.commit()
        return await running

    async def _waits(self) -> bool:
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(await self.imports.crm.owner.fetchval(waiting))


async def at_once(imports: Imports, content: str) -> AtOnce:
    """What the test does next happens in the others' transaction."""
    params, chunk = await imports.planned_chunk(content)
    others = imports.crm.owner.transaction()
    await others.start()
    return AtOnce(imports, others, params, chunk.payload)


async def test_a_supporter_who_joins_at_the_same_moment_is_met_by_trying_again(imports: Imports) -> None:
    await imports.crm.fields("Email")
    meeting = await at_once(imports, "Email\r\na@x.org\r\n")
    await imports.crm.supporter("a@x.org")

    with pytest.raises(SupporterAddedMeanwhile) as failed:
        await meeting.run_until_the_others_commit()

    assert is_temporary(failed.value)
    assert (await meeting.run()).outcomes == {"unchanged": 1}


@pytest.mark.parametrize("answered_before", [True, False])
async def test_who_unsubscribes_at_the_same_moment_stays_unsubscribed(imports: Imports, answered_before: bool) -> None:
    await imports.crm.fields("Email")
    ann, news = await imports.crm.supporter("a@x.org"), await imports.crm.question("News")
    if answered_before:
        await imports.crm.answer(ann, news, "N", source="import")
    meeting = await at_once(imports, "Email,News\r\na@x.org,Y\r\n")
    if answered_before:
        await imports.crm.owner.execute("UPDATE crm.answers SET source = 'page'")
    else:
        await imports.crm.answer(ann, news, "N", source="page")

    part = await meeting.run_until_the_others_commit()

    assert b"kept_unsubscribed" in part.content
    assert await imports.supporters() == {"a@x.org": {"News": "N"}}


async def test_another_accounts_supporters_are_not_touched(imports: Imports) -> None:
    other = await imports.crm.other_account()
    for account in (imports.crm, other):
        fields = await account.fields("Email", "City")
        await account.supporter("a@x.org", {fields["City"]: f"City {account.account_id}"})

    await imports.run("Email,City\r\na@x.org,York\r\n")

    assert await Imports(other, imports.objects).supporters() == {"a@x.org": {"City": "City 2"}}


async def test_a_field_removed_after_the_plan_is_left_out(imports: Imports) -> None:
    fields = await imports.crm.fields("Email", "City", "Region")
    params, chunk = await imports.planned_chunk("Email,City,Region\r\na@x.org,York,North\r\n")
    await imports.crm.owner.execute("DELETE FROM crm.ads_fields WHERE id = $1", fields["City"])

    async with account_transaction(imports.crm.pool, 1) as connection:
        await imports.job_type.run_chunk(params, chunk.payload, context_of(connection, job_id=uuid4()))

    assert await imports.supporters() == {"a@x.org": {"Region": "North"}}
