"""Every database role may do what docs/database-rights.md says: nothing more, and nothing less."""

import os
from pathlib import Path

import asyncpg

from support.database_rights import database_rights
from support.servers import Database

TABLE = Path(__file__).parent.parent.parent / "docs" / "database-rights.md"
HEAD = """# What each database role may do

Roles are given to processes: `jobmonitor_worker` to processors and reconcilers, `jobmonitor_projection` to projections,
`jobmonitor_gateway` to gateways; `PUBLIC` is everybody who can connect. The owner, who migrates, is not listed. Beneath
these rights, row-level security shows a gateway the rows of its viewer, and workers those of the account they work for.
Functions run with the rights of the owner and do what their comments in the migrations say.

A test (`tests/integration/test_database_rights.py`) compares this list with the database. To change a right, write a
migration, then run that test with `WRITE_RIGHTS=1` and look at what changed here.

| role | on | rights |
|---|---|---|
"""


async def test_each_role_has_the_rights_in_the_table_and_no_others(database: Database) -> None:
    connection = await asyncpg.connect(database.superuser_url)
    try:
        rights = await database_rights(connection)
    finally:
        await connection.close()
    found = HEAD + "".join(f"| {right} |\n" for right in rights)
    if os.environ.get("WRITE_RIGHTS"):
        TABLE.write_text(found, encoding="utf-8")

    assert found.splitlines() == TABLE.read_text(encoding="utf-8").splitlines()


async def test_a_right_more_is_noticed(database: Database) -> None:
    connection = await asyncpg.connect(database.superuser_url)
    try:
        before = set(await database_rights(connection))
        await connection.execute("CREATE TABLE crm.more (id int)")
        await connection.execute("GRANT SELECT (id) ON crm.more TO jobmonitor_gateway")
        await connection.execute("GRANT DELETE ON crm.users TO PUBLIC")
        await connection.execute("CREATE FUNCTION crm.more() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        more = set(await database_rights(connection)) - before
    finally:
        await connection.close()

    assert more == {
        "jobmonitor_gateway | column crm.more.id | SELECT",
        "PUBLIC | table crm.users | DELETE",
        "PUBLIC | function crm.more() | EXECUTE",
    }
