"""Chunks of imports by themselves: what happens when a row comes twice, or somebody else is quicker."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from jobmonitor.crm.import_store import SupporterAddedMeanwhile
from jobmonitor.database.pool import account_transaction
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


async def test_a_supporter_who_joins_at_the_same_moment_is_met_by_trying_again(imports: Imports) -> None:
    await imports.crm.fields("Email")
    params, chunk = await imports.planned_chunk("Email\r\na@x.org\r\n")

    async def run() -> Any:
        async with account_transaction(imports.crm.pool, 1) as connection:
            return await imports.job_type.run_chunk(params, chunk.payload, context_of(connection, job_id=uuid4()))

    async def waits() -> bool:
        return bool(
            await imports.crm.owner.fetchval("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        )

    joining = imports.crm.owner.transaction()
    await joining.start()
    await imports.crm.supporter("a@x.org")
    running = asyncio.create_task(run())
    await until(waits)
    await joining.commit()

    with pytest.raises(SupporterAddedMeanwhile) as failed:
        await running
    assert is_temporary(failed.value)
    assert (await run()).outcomes == {"unchanged": 1}


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
