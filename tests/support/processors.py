"""Processors as processes of their own, for one job type, on a test's engine."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.engine import Engine

SERVICES, TESTS = Path(__file__).parents[2] / "services", Path(__file__).parents[1]


@dataclass
class Processors:
    """Those a test started."""

    started: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start(
        self, engine: Engine, job_type: str, *, module: str = "jobmonitor.processor", **changed: str
    ) -> "subprocess.Popen[bytes]":
        """Another one, with the changed variables. Its leases are short."""
        ours = {
            "JOBMONITOR_DATABASE_URL": engine.settings.database_url,
            "JOBMONITOR_KAFKA_BOOTSTRAP": engine.settings.kafka_bootstrap,
            "JOBMONITOR_OBJECT_STORE_URL": engine.settings.object_store_url,
            "JOBMONITOR_JOB_TYPES": job_type,
            "JOBMONITOR_LEASE_S": "2",
            "JOBMONITOR_METRICS_PORT": "0",
            **changed,
        }
        environment = {**os.environ, "PYTHONPATH": f"{SERVICES}{os.pathsep}{TESTS}", **ours}
        process = subprocess.Popen([sys.executable, "-m", module], env=environment)
        self.started.append(process)
        return process


@contextmanager
def processors() -> Iterator[Processors]:
    """They end with the context."""
    some = Processors()
    try:
        yield some
    finally:
        for process in some.started:
            process.kill()
            process.wait(10)
