"""What ordinary users wait while hostile clients do their worst, at the limits as they are by default.

Gateway, attackers and users are processes of their own; each kind of client has an address of its own.
"""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.figures import Figure, at_most, percentile, told
from bench.running_stack import RunningStack
from support.hostile import ORDINARY, Attack

RUNS = int(os.environ.get("BENCH_RUNS", "3"))
ATTACK_S = float(os.environ.get("HOSTILE_SECONDS", "30"))
QUIET_S = 10.0
WARM_UP_S = 3.0
"""Attackers need a moment to be at their worst."""
USERS = 8
PAUSE_S = 0.1
LOGIN = {"email": "user@demo.test", "password": "jobmonitor-demo"}
ASKED = ("/api/v1/jobs", "/api/v1/session", "/api/v1/jobs?view=history", "/api/v1/job-types", "/")


async def hostile_figures(stack: RunningStack) -> list[Figure]:
    """The same users alone and beside the attackers, several times."""
    alone, beside, wrong = [], [], []
    for _ in range(RUNS):
        quiet_ms, faults = await _ordinary_users(stack.url, QUIET_S)
        wrong.append(faults)
        alone.append(percentile(quiet_ms, 99))
        async with _attackers(stack.url):
            await asyncio.sleep(WARM_UP_S)
            waited_ms, faults = await _ordinary_users(stack.url, ATTACK_S)
        wrong.append(faults)
        beside.append(percentile(waited_ms, 99))
    return [
        at_most(1000, "ordinary users beside hostile clients: p99", "ms", beside),
        told("ordinary users beside hostile clients over alone: p99", "ms", beside, alone),
        at_most(0, "ordinary users refused or failed beside hostile clients", "", wrong),
    ]


@asynccontextmanager
async def _attackers(url: str) -> AsyncIterator[None]:
    """Attackers in a process of their own, which ends with the context, or by itself."""
    limit_s = str(WARM_UP_S + ATTACK_S + 30)
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.attackers", url, limit_s)
    try:
        yield
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 60)


async def _ordinary_users(url: str, duration_s: float) -> tuple[list[float], int]:
    """How long each of their requests took, in milliseconds, and how many were not answered as they should be."""
    host, port = url.removeprefix("http://").split(":")
    took_ms: list[float] = []
    wrong = 0
    until_s = time.monotonic() + duration_s

    async def use(first: int) -> None:
        nonlocal wrong
        async with Attack(host, int(port)).client(ORDINARY) as client:
            (await client.post("/api/v1/session", json=LOGIN)).raise_for_status()
            number = first
            while time.monotonic() < until_s:
                started_s = time.perf_counter()
                answer = await client.get(ASKED[number % len(ASKED)])
                took_ms.append(1000 * (time.perf_counter() - started_s))
                wrong += answer.status_code != 200
                number += 1
                await asyncio.sleep(PAUSE_S)

    await asyncio.gather(*(use(first) for first in range(USERS)))
    return took_ms, wrong
