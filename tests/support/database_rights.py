"""Every right somebody besides the owner has in the database, one a line."""

from pathlib import Path

from jobmonitor.database.pool import Connection

RIGHTS = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")


async def database_rights(connection: Connection) -> list[str]:
    """For instance ``jobmonitor_gateway | table crm.pages | SELECT``, in order."""
    return [f"{row['who']} | {row['thing']} | {row['may']}" for row in await connection.fetch(RIGHTS)]
