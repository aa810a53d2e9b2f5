"""The fresh tables of a rebuild: made beside the live ones with the very same shape, compared with them, swapped.

Their shape is read from what the catalogs say of the live tables, so that no migration can forget them, and compared
before anything is swapped.
"""

from collections.abc import Sequence

from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements

LIVE = "projection"
FRESH = "projection_rebuild"
REPLACED = "projection_replaced"
"""Where the old tables are between the swap and their removal."""

SQL = statements("jobmonitor.projection.rebuild.sql")


class RebuildRefused(Exception):
    """The rebuild cannot go on, and the live tables are untouched; the message says why and what to do."""


async def make_fresh_tables(connection: Connection) -> None:
    """Empty tables of the live ones' shape. Raises RebuildRefused where the shape has a part that is not copied."""
    async with connection.transaction():
        await connection.execute(f"CREATE SCHEMA {FRESH}")
        for row in await SQL["copy_shape"].fetch(connection, table_names=await _tables(connection, LIVE)):
            await connection.execute(row["command"])
        await SQL["add_months"].execute(connection)
        await must_have_same_shape(connection)


async def must_have_same_shape(connection: Connection) -> None:
    """Raises RebuildRefused. A month that only the fresh views have does not count: by hand, it may have been
    dropped from the live ones."""
    live, fresh = set(await shape(connection, LIVE)), set(await shape(connection, FRESH))
    differing = sorted([*(live - fresh), *(line for line in fresh - live if " FOR VALUES " not in line)])
    if differing:
        found = "; ".join(differing[:3])
        raise RebuildRefused(f"The schema of the fresh tables does not match that of the live ones: {found}")


async def shape(connection: Connection, schema: str) -> list[str]:
    """All that the catalogs say of the tables of this schema, in lines that do not name the schema."""
    tables = await _tables(connection, schema)
    return [row["line"] for row in await SQL["shape_of"].fetch(connection, schema_name=schema, table_names=tables)]


async def remove_leftovers(connection: Connection) -> bool:
    """Remove what a killed rebuild left. Returns whether there was anything."""
    found = False
    for schema in (FRESH, REPLACED):
        if await SQL["schema_exists"].fetchval(connection, schema_name=schema):
            await connection.execute(f"DROP SCHEMA {schema} CASCADE")
            found = True
    return found


async def must_be_swappable(connection: Connection) -> None:
    """Raises RebuildRefused where something depends on the live tables that cannot be led to the new ones."""
    others = [str(row["name"]) for row in await _dependents(connection) if not row["is_view"]]
    if others:
        raise RebuildRefused(
            f"{', '.join(others)} would stay with the old tables. Drop it before the rebuild, make it again after."
        )


async def carry_over(connection: Connection) -> int:
    """Copy the jobs of which the log no longer says everything. Returns how many.

    Whatever is folded into them afterwards may have been folded before: it changes nothing.
    """
    await SQL["add_months"].execute(connection)
    async with connection.transaction(isolation="repeatable_read"):
        jobs = [row["job_id"] for row in await SQL["jobs_beyond_the_log"].fetch(connection)]
        for table in ("job_monitor", "job_history", "job_timeline"):
            columns = await SQL["columns_of"].fetchval(connection, table_name=table)
            await SQL["drop_rows"].fill(table=table).execute(connection, job_ids=jobs)
            await SQL["carry_over"].fill(table=table, columns=columns).execute(connection, job_ids=jobs)
    return len(jobs)


async def swap_tables(connection: Connection) -> None:
    """Put the fresh tables in place of the live ones, in the caller's transaction.

    The caller has set how long a lock is waited for. Whoever waits for the tables then finds the new ones. Views follow
    and keep their owners and rights.
    """
    live, fresh = await _tables(connection, LIVE), await _tables(connection, FRESH)
    await connection.execute("SET LOCAL search_path = pg_catalog")
    views = [row for row in await _dependents(connection) if row["is_view"]]
    await connection.execute(f"LOCK TABLE {', '.join(f'{LIVE}.{_quoted(table)}' for table in live)}")
    for view in views:
        await connection.execute(f"LOCK TABLE {view['name']}")
    await must_have_same_shape(connection)
    await connection.execute(f"CREATE SCHEMA {REPLACED}")
    for table in live:
        await connection.execute(f"ALTER TABLE {LIVE}.{_quoted(table)} SET SCHEMA {REPLACED}")
    for table in fresh:
        await connection.execute(f"ALTER TABLE {FRESH}.{_quoted(table)} SET SCHEMA {LIVE}")
    for view in views:
        options = f" WITH ({view['options']})" if view["options"] else ""
        await connection.execute(f"CREATE OR REPLACE VIEW {view['name']}{options} AS {view['definition']}")
    await connection.execute("RESET search_path")


async def _dependents(connection: Connection) -> Sequence[dict[str, object]]:
    async with connection.transaction():
        await connection.execute("SET LOCAL search_path = pg_catalog")
        rows = await SQL["dependents"].fetch(connection, table_names=await _tables(connection, LIVE))
    return [dict(row) for row in rows]


async def _tables(connection: Connection, schema: str) -> list[str]:
    return [row["relname"] for row in await SQL["tables_of"].fetch(connection, schema_name=schema)]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
