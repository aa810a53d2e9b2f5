"""Jobs of every shape while every process is killed, both servers go away and a worker sleeps past its lease.

``CHAOS_SECONDS`` and ``CHAOS_SEED`` choose another run, as with ``make chaos``.
"""

import os
import subprocess
import sys

from support.stack import REPOSITORY

SECONDS, SEED = "90", "42"
REST_S = 600.0
"""For starting, becoming calm and looking, at most."""


def test_nothing_is_lost_or_doubled_whatever_breaks() -> None:
    environment = {"CHAOS_SECONDS": SECONDS, "CHAOS_SEED": SEED, "CHAOS_FUZZ_MESSAGES": "600", **os.environ}
    environment["PYTHONPATH"] = os.pathsep.join([str(REPOSITORY / "tests"), str(REPOSITORY / "services")])
    run = subprocess.run(
        [sys.executable, "-m", "chaos"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=float(environment["CHAOS_SECONDS"]) + REST_S,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.splitlines()[-1].startswith(f"chaos: held - seed {environment['CHAOS_SEED']}, ")
