"""``make bench`` measures and writes what it measured; a small run shows that it still does."""

import json
import os
import subprocess
import sys
from pathlib import Path

from support.stack import REPOSITORY

SMALL = {
    "BENCH_ONLY": "jobs",
    "BENCH_RUNS": "1",
    "BENCH_JOBS": "200",
    "BENCH_STARTS": "10",
    "BENCH_FLOOD_JOBS": "50",
    "BENCH_PEERS": "0",
}
KEYS = {"name", "unit", "median", "min", "max", "reference", "ratio", "goal", "met"}


def test_a_small_run_prints_a_table_and_writes_the_figures(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    run = subprocess.run(
        [sys.executable, "-m", "bench"],
        cwd=REPOSITORY,
        env={**os.environ, **SMALL, "BENCH_FILE": str(file), "PYTHONPATH": "tests:services"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    figures = json.loads(file.read_bytes())
    assert len(figures) == 6
    assert all(figure.keys() == KEYS for figure in figures)
    assert all(figure["min"] <= figure["median"] <= figure["max"] for figure in figures)
    assert all(figure["name"] in run.stdout for figure in figures)
