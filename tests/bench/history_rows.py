"""A history of any size, for measuring how it is read. Its shape is always the same: only the number of rows differs.

Three years, one partition a month. One account has four fifths of all; in it one person has half, 39 share the rest,
and one has a hundred jobs, whatever the size. Nineteen accounts have the other fifth. Everything is derived from a
row's number; two runs make the same rows, but for their ids and the day they end on.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg

from jobmonitor.crm.passwords import hash_password

MONTHS = 36
WRITERS = 2
MONITOR_ROWS = 2_000
PASSWORD = "read-path-bench"
SUPER, OWNER, FEW = "super@bench.test", "owner@bench.test", "few@bench.test"

PEOPLE = """
INSERT INTO crm.accounts (id, name, country, default_currency)
SELECT a, 'Account ' || a, 'US', 'USD' FROM generate_series(1, 20) AS a;
INSERT INTO crm.permission_groups (id, account_id, name) VALUES (1, 1, 'Exports');
INSERT INTO crm.group_permissions (account_id, group_id, permission) VALUES (1, 1, 'export'), (1, 1, 'jobs.view');
INSERT INTO crm.users (id, account_id, email, name, user_type, permission_group_id, password_hash)
SELECT u, 1, CASE u WHEN 1000 THEN 'super' WHEN 1001 THEN 'owner' WHEN 1041 THEN 'few' ELSE 'u' || u END
       || '@bench.test', 'Person ' || u, CASE u WHEN 1000 THEN 'super_admin' ELSE 'user' END,
       CASE WHEN u > 1000 THEN 1 END, '{password_hash}'
FROM generate_series(1000, 1041) AS u
"""
# of the n-th of all jobs: whose it is, and a number that says what it is
WHOSE = """
LATERAL (SELECT abs(hashint8(n)) AS r, CASE WHEN n % 10 < 8 THEN 1 ELSE 2 + n / 10 % 19 END AS account_id) AS a,
LATERAL (SELECT CASE WHEN a.account_id > 1 THEN a.account_id * 10000 + n / 200 % 5
                     WHEN n % {every_few} = 0 THEN 1041 WHEN r % 2 = 0 THEN 1001 ELSE 1002 + r / 2 % 39 END AS owner_id,
                CASE WHEN r / 64 % 10 < 7 THEN 'user-data-export' ELSE 'user-data-import' END AS job_type,
                CASE r / 1024 % 4 WHEN 0 THEN NULL WHEN 1 THEN 'Spring appeal ' || n
                    WHEN 2 THEN 'Major donors, week ' || r % 52 ELSE 'Members of page ' || r % 997 END AS reference,
                '{{"format": "user", "file_type": "csv", "filters": {{"pages": [12, 13]}}}}'::jsonb AS parameters,
                '{{"exported": 5000}}'::jsonb AS outcomes) AS j
"""
RESULT = """
('{{"name": "' || n || '.csv", "media_type": "text/csv; charset=utf-8", "extension": "csv", "size_bytes": 123456,
 "sha256": "' || repeat('ab', 32) || '", "rows": 5000, "expires_at": "'
 || to_char(at + interval '30 days', 'YYYY-MM-DD') || 'T00:00:00Z"}}')::jsonb
"""
HISTORY = f"""
INSERT INTO projection.job_history (
    job_id, number, account_id, owner_id, job_type, reference, parameters, state, sequence, submitted_at, accepted_at,
    started_at, completed_at, done, total, unit, rejected, outcomes, failure_code, failure_reason, result,
    downloaded_at, downloaded_by, expired_at, updated_at, month
)
SELECT gen_random_uuid(), n, account_id, owner_id, job_type, reference, parameters, state, 9, at, at, at,
       at + interval '4 min', 5000, 5000, 'supporters', 0, outcomes, CASE state WHEN 'failed' THEN 'internal' END,
       CASE state WHEN 'failed' THEN 'The object store did not answer.' END,
       CASE WHEN state LIKE 'completed%' THEN {RESULT} END, at + interval '1 h', owner_id,
       CASE WHEN at < now() - interval '31 days' THEN at + interval '30 days' END, at + interval '1 h', $1
FROM generate_series($2::bigint + 1, $2::bigint + $3::bigint) AS n, {WHOSE},
LATERAL (SELECT (least($1::date + interval '1 month', now()) - $1::date) / $3::bigint AS apart) AS s,
LATERAL (SELECT $1::date + (n - $2::bigint) * apart AS at,
                CASE WHEN r % 97 = 0 THEN 'failed' WHEN r % 31 = 0 THEN 'cancelled'
                     WHEN r % 19 = 0 THEN 'completed_with_errors' ELSE 'completed' END AS state) AS t
"""
REGISTRY = (
    "INSERT INTO registry.job_numbers (number, job_id, month) OVERRIDING SYSTEM VALUE SELECT number, job_id, month FROM"
)
MONITOR = f"""
INSERT INTO projection.job_monitor (
    job_id, number, account_id, owner_id, job_type, reference, parameters, state, sequence, submitted_at, accepted_at,
    run_at, started_at, completed_at, done, total, unit, rejected, outcomes, result, updated_at
)
SELECT gen_random_uuid(), n, account_id, owner_id, job_type, reference, parameters, state, 9, at, at,
       CASE state WHEN 'scheduled' THEN now() + n % 100 * interval '1 h' END,
       CASE WHEN state <> 'scheduled' THEN at END, CASE state WHEN 'completed' THEN at + interval '4 min' END,
       CASE state WHEN 'completed' THEN 5000 ELSE 0 END, 5000, 'supporters', 0, outcomes,
       CASE state WHEN 'completed' THEN {RESULT} END, at + interval '5 min'
FROM generate_series($1::bigint + 1, $1::bigint + $2::bigint) AS n, {WHOSE},
LATERAL (SELECT now() - n % 20000 * interval '1 min' AS at,
                CASE WHEN r % 20 = 0 THEN 'running' WHEN r % 20 < 3 THEN 'scheduled' ELSE 'completed' END AS state) AS t
"""
LAST_MONTHS = """
SELECT (date_trunc('month', now()) - n * interval '1 month')::date AS month
FROM generate_series($1::int - 1, 0, -1) AS n
"""
SECONDARY_INDEXES = """
SELECT format('projection.%I', relname) AS name, replace(pg_get_indexdef(indexrelid), ' ON ONLY ', ' ON ') AS definition
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE indrelid = 'projection.job_history'::regclass
  AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""
UNIQUE_ID = "ALTER TABLE registry.job_numbers {} CONSTRAINT job_numbers_job_id_key {}"


async def fill(url: str, rows: int) -> None:
    """Make so many rows of history in this migrated, empty database, and a monitor. ``url``: the superuser's."""
    connection = await asyncpg.connect(url)
    await connection.execute(PEOPLE.format(password_hash=hash_password(PASSWORD)))
    months = [record["month"] for record in await connection.fetch(LAST_MONTHS, MONTHS)]
    for month in months:
        await connection.execute("SELECT registry.add_month('projection', $1)", month)
    # making an index of rows that are there takes a fraction of keeping it while they come
    indexes = await connection.fetch(SECONDARY_INDEXES)
    for index in indexes:
        await connection.execute(f"DROP INDEX {index['name']}")
    await connection.execute(UNIQUE_ID.format("DROP", ""))
    history = HISTORY.format(every_few=_every_few(rows))
    await _at_once(url, [(history, month, *_share(rows, place)) for place, month in enumerate(months)])
    await connection.execute(MONITOR.format(every_few=_every_few(rows)), rows, MONITOR_ROWS)
    await _at_once(url, [(f"{REGISTRY} {view}",) for view in ("projection.job_monitor", "projection.job_history")])
    definitions = [UNIQUE_ID.format("ADD", "UNIQUE (job_id)"), *(index["definition"] for index in indexes)]
    await _at_once(url, [(definition,) for definition in definitions])
    await connection.execute("VACUUM ANALYZE projection.job_history, projection.job_monitor, registry.job_numbers")
    await connection.execute("CHECKPOINT")
    await connection.close()


def _every_few(rows: int) -> int:
    """One job in so many is of the person with a hundred; all these are of the large account."""
    return max(rows // 100, 10)


def _share(rows: int, place: int) -> tuple[int, int]:
    """How many rows come before this month, and how many are in it."""
    before = rows * place // MONTHS
    return before, rows * (place + 1) // MONTHS - before


async def _at_once(url: str, statements: Sequence[tuple[Any, ...]]) -> None:
    """Run statements, each with its arguments, over two connections."""
    left = iter(statements)

    async def work() -> None:
        connection = await asyncpg.connect(url)
        for text, *arguments in left:
            await connection.execute(text, *arguments)
        await connection.close()

    await asyncio.gather(*(work() for _ in range(WRITERS)))
