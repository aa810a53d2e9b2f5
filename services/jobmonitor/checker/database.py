"""Reads the database's part of a snapshot: everything at one moment, in one transaction."""

from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from jobmonitor.checker.job_log import mix, point_digest
from jobmonitor.checker.report import CouldNotLook
from jobmonitor.checker.snapshot import (
    Chunks,
    DroppedMonth,
    Effects,
    EffectsOfType,
    Registered,
    Snapshot,
    StoredRun,
    Submission,
    Unsent,
)
from jobmonitor.database.pool import Connection, open_pool, see_account
from jobmonitor.database.statement import statements
from jobmonitor.job.row import JobRow
from jobmonitor.job_types.protocol import EffectsCount
from jobmonitor.job_types.registry import installed

SQL = statements("jobmonitor.checker.sql")
_run_decoder = msgspec.json.Decoder(StoredRun)
_row_decoder = msgspec.json.Decoder(JobRow)

Values = list[tuple[str, bytes]]
"""(topic, value) of each message in the outbox."""


async def read_database(owner_url: str, snapshot: Snapshot) -> Values:
    """Fill in all that comes from the database; returns what waits in the outbox. Raises CouldNotLook."""
    try:
        pool = await open_pool(owner_url, size=1, application_name="jobmonitor-check")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CouldNotLook(f"The database does not answer ({error}). Is the owner's address right?") from error
    try:
        async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
            return await _read(connection, snapshot)
    except asyncpg.InsufficientPrivilegeError as error:
        reason = f"This role may not see everything ({error}). Look as the owner of the database, or as a superuser."
        raise CouldNotLook(reason) from error
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
        raise CouldNotLook(f"The database has another shape ({error}). Run `jobmonitor migrate`.") from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CouldNotLook(f"The database went away ({error}).") from error
    finally:
        await pool.close()


async def _read(connection: Connection, snapshot: Snapshot) -> Values:
    await SQL["everything_or_nothing"].execute(connection)
    snapshot.now = await connection.fetchval("SELECT now()")
    offsets = await SQL["offsets"].fetch(connection)
    snapshot.folded_to = {(row["topic"], row["partition"]): row["next_offset"] for row in offsets}
    snapshot.skipped = [tuple(row) for row in await SQL["skipped"].fetch(connection)]
    await _read_ledger(connection, snapshot)
    await _read_views(connection, snapshot)
    await _read_retention(connection, snapshot)
    snapshot.submissions = [Submission(**row) for row in await SQL["submissions"].fetch(connection)]
    snapshot.accounts_of_users = {row["id"]: row["account_id"] for row in await SQL["users"].fetch(connection)}
    outbox = await SQL["outbox"].fetch(connection)
    unsent = [(topic, value) for row in outbox for topic, value in zip(row["topics"], row["values"], strict=True)]
    snapshot.unsent = [
        Unsent(id=row["id"], messages=len(row["topics"]), created_at=row["created_at"], refusal=row["refusal"])
        for row in outbox
    ]
    snapshot.effects = {
        each.slug: EffectsOfType(
            each.effects, each.params_type, await _read_effects(connection, each.slug, each.effects, snapshot)
        )
        for each in installed()
        if each.effects is not None
    }
    return unsent


async def _read_ledger(connection: Connection, snapshot: Snapshot) -> None:
    runs = [_run_decoder.decode(document) async for document in _documents(connection, "runs")]
    snapshot.runs = {run.job_id: run for run in runs}
    snapshot.taken_up = frozenset(row["job_id"] for row in await SQL["taken_up"].fetch(connection))
    chunks = {}
    for row in await SQL["chunks"].fetch(connection):
        job_id, *counts = row.values()
        chunks[job_id] = Chunks(**dict(zip(Chunks.__struct_fields__, counts, strict=True)))
    snapshot.chunks = chunks


async def _read_views(connection: Connection, snapshot: Snapshot) -> None:
    snapshot.monitor = await _read_view(connection, "monitor")
    snapshot.history = await _read_view(connection, "history")
    registered = await SQL["registry"].fetch(connection)
    snapshot.registry = {row["job_id"]: Registered(row["number"], row["month"]) for row in registered}
    timelines: dict[UUID, tuple[int, int]] = {}
    async for row in SQL["timeline"].cursor(connection, prefetch=2000):
        points, digest = timelines.get(row["job_id"], (0, 0))
        added = mix(
            row["type"],
            row["slot"],
            row["event_id"],
            point_digest(row["data"], row["account_id"], row["done"], row["total"]),
        )
        timelines[row["job_id"]] = (points + 1, (digest + added) % 2**63)
    snapshot.timelines = timelines


async def _read_retention(connection: Connection, snapshot: Snapshot) -> None:
    dropped = await SQL["dropped_months"].fetch(connection)
    moments = DroppedMonth.__struct_fields__
    snapshot.dropped_months = {row["month"]: DroppedMonth(**{name: row[name] for name in moments}) for row in dropped}
    snapshot.kept_months = [(row["what"], row["month"]) for row in await SQL["kept_months"].fetch(connection)]
    snapshot.kept_since = {row["what"]: row["since"] for row in await SQL["retention"].fetch(connection)}


async def _read_view(connection: Connection, name: str) -> dict[UUID, JobRow]:
    rows = [_row_decoder.decode(document) async for document in _documents(connection, name)]
    return {row.job_id: row for row in rows}


async def _documents(connection: Connection, name: str) -> AsyncIterator[str]:
    async for row in SQL[name].cursor(connection, prefetch=500):
        yield row["document"]


async def _read_effects(
    connection: Connection, job_type: str, how: EffectsCount, snapshot: Snapshot
) -> dict[UUID, Effects]:
    if not how.by_account:
        return _effects(await how.statement.fetch(connection))
    found: dict[UUID, Effects] = {}
    accounts = sorted({run.account_id for run in snapshot.runs.values() if run.job_type == job_type})
    await SQL["account_by_account"].execute(connection)
    for account_id in accounts:
        await see_account(connection, account_id)
        found |= _effects(await how.statement.fetch(connection))
    await SQL["everything_or_nothing"].execute(connection)
    return found


def _effects(rows: list[Any]) -> dict[UUID, Effects]:
    outcomes: dict[UUID, dict[str, int]] = defaultdict(dict)
    doubled: dict[UUID, int] = defaultdict(int)
    for row in rows:
        outcomes[row["job_id"]][row["outcome"]] = row["units"]
        doubled[row["job_id"]] += row["doubled"]
    return {job_id: Effects(outcomes=units, doubled=doubled[job_id]) for job_id, units in outcomes.items()}
