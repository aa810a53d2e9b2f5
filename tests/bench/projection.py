"""How fast the projection folds a full log, beside a bare loop, and how long one fact takes to its row.

``python -m bench.projection`` measures these alone; ``BENCH_EVENTS`` (default 1,000,000) is the length of the log.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import asyncpg
import msgspec
import psutil

from bench.bare_loop import TABLE
from bench.engine_servers import EngineServers, engine_servers
from bench.figures import Figure, at_least, at_most, beside, tell
from bench.progress_log import job_ids, put_running_jobs, write_log
from bench.projection_delay import delay_figures, running_projection
from jobmonitor.contract.topics import jobs_topic, view_topics
from support.engine import create_topics

RUNS = 3
JOBS = (10_000, 200_000)
RATIO_GOAL = 0.9
MEMORY_GOAL_MB = 400


def projection_figures() -> list[Figure]:
    """On servers of its own, durable as those of the local stack."""
    events = int(os.environ.get("BENCH_EVENTS", "1000000"))
    with tempfile.TemporaryDirectory(prefix="jobmonitor-bench-") as folder:
        Path(folder).chmod(0o711)
        with engine_servers(Path(folder) / "servers", []) as servers:
            figures = delay_figures(servers)
            return figures + [figure for jobs in JOBS for figure in _fold_figures(servers, jobs, events)]


def _fold_figures(servers: EngineServers, jobs: int, events: int) -> list[Figure]:
    """A bare loop and the projection in turns over one log."""
    ids, job_type = job_ids(jobs), f"bench-{jobs}"
    asyncio.run(create_topics(servers.kafka_bootstrap, *view_topics(job_type)))
    asyncio.run(write_log(servers.kafka_bootstrap, jobs_topic(job_type), job_type, ids, events))
    bare, ours, memory = [], [], []
    for _ in range(RUNS):
        asyncio.run(put_running_jobs(servers.superuser_url, job_type, ids))
        bare.append(_bare_rate(servers, job_type, events))
        rate, peak_mb = _projection_rate(servers, job_type, events)
        ours.append(rate)
        memory.append(peak_mb)
    name = f"projection: {events:,} events of {jobs:,} jobs"
    reference = median(bare)
    fast = at_least(RATIO_GOAL * reference, name, "1/s", ours)
    goal = f"at least {RATIO_GOAL:g} of the bare loop"
    compared = msgspec.structs.replace(beside(fast, bare), goal=goal)
    return [compared, at_most(MEMORY_GOAL_MB, f"{name}: memory, largest", "MB", memory)]


def _bare_rate(servers: EngineServers, job_type: str, events: int) -> float:
    asyncio.run(_prepare_bare_table(servers.superuser_url))
    arguments = [servers.kafka_bootstrap, jobs_topic(job_type), servers.superuser_url, str(events)]
    command = [sys.executable, "-m", "bench.bare_loop", *arguments]
    return float(subprocess.run(command, check=True, capture_output=True).stdout.split()[0])


async def _prepare_bare_table(url: str) -> None:
    """The jobs are in it, as they are in the monitor when the projection begins."""
    connection = await asyncpg.connect(url)
    await connection.execute(f"DROP TABLE IF EXISTS bare_jobs; {TABLE}")
    await connection.execute(
        "INSERT INTO bare_jobs SELECT job_id, account_id, owner_id, job_type, sequence, done, total, updated_at "
        "FROM projection.job_monitor"
    )
    await connection.execute("VACUUM ANALYZE bare_jobs")
    await connection.execute("CHECKPOINT")
    await connection.close()


def _projection_rate(servers: EngineServers, job_type: str, events: int) -> tuple[float, float]:
    """Events a second from the first commit to the last, and the largest resident memory in MB."""
    asyncio.run(_checkpoint(servers.superuser_url))
    with running_projection(servers, job_type) as process:
        return asyncio.run(_watch(servers.superuser_url, process, events))


async def _checkpoint(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("CHECKPOINT")
    await connection.close()


async def _watch(url: str, process: psutil.Process, events: int) -> tuple[float, float]:
    connection = await asyncpg.connect(url)
    began_at, before, peak_mb = 0.0, 0, 0.0
    folded = 0
    while folded < events:
        folded = await connection.fetchval("SELECT coalesce(sum(next_offset), 0)::bigint FROM projection.offsets")
        peak_mb = max(peak_mb, process.memory_info().rss / 1e6)
        if folded and not began_at:
            began_at, before = time.monotonic(), folded
        if folded < events:
            await asyncio.sleep(0.05)
    took_s = time.monotonic() - began_at
    await connection.close()
    return (events - before) / took_s, peak_mb


if __name__ == "__main__":
    print(tell(projection_figures(), Path(".data/bench-projection.json")))  # noqa: T201
