"""Deletes what the gateway's own tables no longer need."""

import asyncio

import structlog

from jobmonitor.database.statement import statements
from jobmonitor.gateway.adapters.database import Database, DatabaseUnavailable

_SQL = statements("jobmonitor.gateway.adapters.sql")
EVERY_S = 3600.0

log = structlog.stdlib.get_logger()


async def tidy(database: Database) -> None:
    """Delete ended sessions, old transfers and old submissions. Any number of gateways may do so at once."""
    async with database.connection() as connection:
        for statement in ("delete_dead_sessions", "delete_old_transfers", "delete_old_submissions"):
            await _SQL[statement].execute(connection)


async def tidy_all_the_time(database: Database) -> None:
    """Once an hour, until cancelled."""
    while True:
        try:
            await tidy(database)
        except DatabaseUnavailable as error:
            log.info("tidying_postponed", error=str(error))
        await asyncio.sleep(EVERY_S)
