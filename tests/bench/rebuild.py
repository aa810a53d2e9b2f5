"""How long ``jobmonitor rebuild`` takes over a long log, and what who reads the views notices of it.

    BENCH_ONLY=rebuild make bench

The log has whole lives of jobs, nine events each; ``BENCH_EVENTS`` (default 1,000,000) is its length. All of it is
folded before, as it is on a system that runs; the live projection goes on beside the rebuild.
"""

import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import asyncpg

from bench.engine_servers import EngineServers, engine_servers
from bench.figures import Figure, at_most, tell
from bench.progress_log import ACCOUNTS, BEGAN_AT, writers
from bench.projection_delay import running_projection
from jobmonitor.contract.envelope import Event
from jobmonitor.contract.topics import jobs_topic, requests_topic, view_topics
from support.engine import PARTITIONS, create_topics
from support.job_events import JobEvents, ordinary_life

RUNS = int(os.environ.get("BENCH_REBUILDS", "3"))
JOB_TYPE = "bench-rebuild"
LIFE = 9
"""Events of one job, from its submission to its download."""
AT_ONCE = 1000
"""Jobs whose events alternate in the log."""
A_SECOND_AT_LEAST = 10_000
READ_EVERY_S = 0.005
READ_AT_MOST_MS = 100.0


def rebuild_figures() -> list[Figure]:
    """On servers of its own, durable as those of the local stack."""
    events = int(os.environ.get("BENCH_EVENTS", "1000000"))
    with tempfile.TemporaryDirectory(prefix="jobmonitor-bench-") as folder:
        Path(folder).chmod(0o711)
        with engine_servers(Path(folder) / "servers", []) as servers:
            asyncio.run(create_topics(servers.kafka_bootstrap, *view_topics(JOB_TYPE)))
            asyncio.run(_write_lives(servers.kafka_bootstrap, events // LIFE))
            with running_projection(servers, JOB_TYPE):
                return asyncio.run(_figures(servers, events // LIFE))


async def _write_lives(bootstrap: str, jobs: int) -> None:
    randomness = random.Random(jobs)
    async with (
        writers(bootstrap, requests_topic(JOB_TYPE)) as to_requests,
        writers(bootstrap, jobs_topic(JOB_TYPE)) as to_facts,
    ):
        for first in range(0, jobs, AT_ONCE):
            places = range(first, min(first + AT_ONCE, jobs))
            lives = [(place, _life(place, UUID(int=randomness.getrandbits(128), version=4))) for place in places]
            for number in range(LIFE):
                to = to_facts if number else to_requests
                for place, life in lives:
                    await to[place % PARTITIONS].write(life[number])


def _life(place: int, job_id: UUID) -> list[Event]:
    job = JobEvents(
        job_type=JOB_TYPE,
        account_id=place % ACCOUNTS + 1,
        owner_id=place % (10 * ACCOUNTS) + 1,
        job_id=job_id,
        began_at=BEGAN_AT,
    )
    return ordinary_life(job)


async def _figures(servers: EngineServers, jobs: int) -> list[Figure]:
    connection = await asyncpg.connect(servers.superuser_url)
    while await connection.fetchval("SELECT count(*) FROM projection.job_history") < jobs:  # noqa: ASYNC110
        await asyncio.sleep(0.2)
    await connection.execute("VACUUM ANALYZE")
    took, slowest = [], []
    for _ in range(RUNS):
        rebuilding = asyncio.create_task(asyncio.to_thread(_rebuild, servers))
        slowest.append(max(await _reads(connection, rebuilding)))
        took.append(await rebuilding)
    await connection.close()
    events = jobs * LIFE
    return [
        at_most(events / A_SECOND_AT_LEAST, f"rebuild of {events:,} events, compared and swapped", "s", took),
        at_most(READ_AT_MOST_MS, "slowest page read while a rebuild goes on and is swapped in", "ms", slowest),
    ]


def _rebuild(servers: EngineServers) -> float:
    """The seconds of one rebuild. It must find nothing that differs."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "jobmonitor.cli", "rebuild", "--yes"],
        env={
            **os.environ,
            "JOBMONITOR_OWNER_URL": servers.postgres.url(database=servers.database),
            "JOBMONITOR_KAFKA_BOOTSTRAP": servers.kafka_bootstrap,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0 or "no row differs" not in done.stdout:
        raise SystemExit(f"The rebuild did not work out: {done.stdout}{done.stderr}")
    return time.perf_counter() - began


async def _reads(view: "asyncpg.Connection[asyncpg.Record]", until: "asyncio.Task[float]") -> Sequence[float]:
    """The milliseconds of one page after the other of an account's newest jobs, until the task is done."""
    taken_ms: list[float] = []
    question = "SELECT * FROM projection.job_history WHERE account_id = $1 ORDER BY sort_at DESC, number DESC LIMIT 50"
    while not until.done():
        began = time.perf_counter()
        await view.fetch(question, 1 + len(taken_ms) % ACCOUNTS)
        taken_ms.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(READ_EVERY_S)
    return taken_ms


if __name__ == "__main__":
    print(tell(rebuild_figures(), Path(".data/bench-rebuild.json")))  # noqa: T201
