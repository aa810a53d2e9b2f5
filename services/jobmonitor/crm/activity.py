"""Where supporters took part."""

from collections.abc import Sequence

from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements

_SQL = statements("jobmonitor.crm.sql")


async def active_in_campaigns(
    connection: Connection, supporters: Sequence[int], campaigns: Sequence[int]
) -> dict[int, set[int]]:
    """``{supporter id: ids of those of the campaigns they were active in}``; everybody has an entry."""
    active: dict[int, set[int]] = {supporter: set() for supporter in supporters}
    for row in await _SQL["active_in_campaigns"].fetch(
        connection, supporters=list(supporters), campaigns=list(campaigns)
    ):
        active[row["supporter_id"]].add(row["campaign_id"])
    return active
