"""Whether the things a request names exist in its account."""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from jobmonitor.database.pool import Connection
from jobmonitor.database.statement import statements

_SQL = statements("jobmonitor.crm.sql")

Kind = Literal["export_group", "profile", "page", "question", "broadcast"]


async def unknown_references(connection: Connection, named: Mapping[Kind, Sequence[int]]) -> list[tuple[Kind, int]]:
    """Those of the named ids that do not exist; other accounts' do not exist either."""
    rows = await _SQL["unknown_references"].fetch(
        connection, **{f"{kind}s": list(named.get(kind, ())) for kind in get_args(Kind)}
    )
    return [(row["kind"], row["id"]) for row in rows]


async def broadcasts_sent_too_long_ago(connection: Connection, broadcasts: Sequence[int]) -> list[int]:
    """Those of the broadcasts that "message sent" no longer finds: the vendor offers it for one year after the send."""
    return [
        row["id"] for row in await _SQL["broadcasts_sent_too_long_ago"].fetch(connection, broadcasts=list(broadcasts))
    ]
