"""Procrastinate's side of the comparison: its app, and its client. Runs in the peers' own environment.

``procrastinate --app=procrastinate_jobs.app worker`` serves; ``python procrastinate_jobs.py 3000 10`` prints how many
jobs a second end in its table, each after ten updates of its progress in another. ``PEER_POSTGRES`` says where.
"""

import asyncio
import os
import sys
import time
from typing import Any

import procrastinate

POLL_S = 0.05
WARM_UP = 200
AT_ONCE = 1000
PROGRESS_TABLE = "CREATE TABLE IF NOT EXISTS peer_progress (job_id bigint PRIMARY KEY, done int, total int)"
TELL_PROGRESS = """
INSERT INTO peer_progress VALUES (%(job_id)s, %(done)s, %(total)s)
ON CONFLICT (job_id) DO UPDATE SET done = excluded.done
"""
ENDED = "SELECT count(*) AS jobs FROM procrastinate_jobs WHERE status = 'succeeded'"

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["PEER_POSTGRES"]))


async def _work(context: Any, progresses: int) -> None:
    for done in range(1, progresses + 1):
        await app.connector.execute_query_async(TELL_PROGRESS, job_id=context.job.id, done=done, total=progresses)


work = app.task(_work, name="work", pass_context=True)


async def jobs_per_s(jobs: int, progresses: int) -> float:
    """From the first submission to the last end in the table."""
    wanted = await _ended() + jobs
    began = time.perf_counter()
    for first in range(0, jobs, AT_ONCE):
        await work.batch_defer_async(*({"progresses": progresses} for _ in range(first, min(first + AT_ONCE, jobs))))
    while await _ended() < wanted:  # noqa: ASYNC110 - the table is what is measured
        await asyncio.sleep(POLL_S)
    return jobs / (time.perf_counter() - began)


async def _ended() -> int:
    return int((await app.connector.execute_query_one_async(ENDED))["jobs"])


async def main(jobs: int, progresses: int) -> None:
    async with app.open_async():
        await app.connector.execute_query_async(PROGRESS_TABLE)
        await jobs_per_s(WARM_UP, 0)
        print(await jobs_per_s(jobs, progresses))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
