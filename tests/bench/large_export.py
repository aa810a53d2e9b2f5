"""A large export: does the worker's memory stay flat, and how long does it take?"""

import time

import httpx2
import psutil

from bench.bar import LOGIN
from bench.figures import Figure, at_most
from bench.running_stack import RunningStack

MEMORY_GOAL_MB = 300


def large_export_figures(stack: RunningStack, supporters: int) -> list[Figure]:
    """One export of everybody, user format, CSV. The largest resident memory of the processor while it runs."""
    worker = psutil.Process(stack.note["pids"]["processor"])
    peak = 0.0
    with httpx2.Client(base_url=stack.url, timeout=60) as client:
        client.post("/api/v1/session", json=LOGIN)
        started_at = time.monotonic()
        body = {"type": "user-data-export", "parameters": {"format": "user"}}
        job_id = client.post("/api/v1/jobs", json=body).json()["id"]
        while not (item := client.get(f"/api/v1/jobs/{job_id}").json())["completed_at"]:
            peak = max(peak, worker.memory_info().rss / 1e6)
            time.sleep(0.1)
        took_s = time.monotonic() - started_at
    if item["result"]["rows"] != supporters:
        raise SystemExit(f"The export has {item['result']['rows']} rows, not {supporters}.")
    return [
        at_most(MEMORY_GOAL_MB, f"export of {supporters:,} rows: worker's memory, largest", "MB", [peak]),
        at_most(supporters / 2000, f"export of {supporters:,} rows: submission to result", "s", [took_s]),
    ]
