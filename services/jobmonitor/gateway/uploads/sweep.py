"""Deletes old uploads, used or not: they are personal data. What a job still needs stays until the job has ended."""

import asyncio
from datetime import timedelta

import structlog

from jobmonitor.crm.uploads import upload_key
from jobmonitor.database.statement import statements
from jobmonitor.gateway.adapters.database import Database, DatabaseUnavailable
from jobmonitor.runtime.failures import is_temporary
from jobmonitor.runtime.objects import ObjectStore

EVERY_S = 3600.0
BATCH = 200

_SQL = statements("jobmonitor.gateway.uploads.sql")
log = structlog.stdlib.get_logger()


async def sweep(database: Database, objects: ObjectStore, age: timedelta) -> int:
    """Delete uploads older than this; returns how many. Any number of gateways may do so at once, again and again."""
    swept = 0
    while True:
        async with database.connection() as connection:
            rows = await _SQL["old_uploads"].fetch(connection, age=age, limit=BATCH)
        # the content first: after a crash in between, the row leads here again
        await objects.delete([upload_key(row["account_id"], row["id"]) for row in rows])
        async with database.connection() as connection:
            await _SQL["delete_uploads"].execute(connection, upload_ids=[row["id"] for row in rows])
        swept += len(rows)
        if len(rows) < BATCH:
            return swept


async def sweep_all_the_time(database: Database, objects: ObjectStore, age: timedelta) -> None:
    """Once an hour, until cancelled."""
    while True:
        try:
            if swept := await sweep(database, objects, age):
                log.info("uploads_swept", uploads=swept)
        except Exception as error:
            if not isinstance(error, DatabaseUnavailable) and not is_temporary(error):
                raise
            log.info("sweeping_postponed", error=str(error))
        await asyncio.sleep(EVERY_S)
