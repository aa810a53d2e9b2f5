"""``make bench``: measure, print a table, write ``.data/bench.json``. Loopback only; ends by itself.

``BENCH_ONLY`` names the sections to measure, separated by commas; without it all are. ``BENCH_SUPPORTERS`` (default
1,000,000) is the size of the large export, ``BENCH_HISTORY_ROWS`` (default 10,000,000) that of the long history;
``BENCH_PEERS=0`` leaves out what others reach; ``BENCH_FILE`` is another file to write.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.bar import bar_figures
from bench.figures import Figure, at_most, tell
from bench.hostile import hostile_figures
from bench.idle import idle_figures
from bench.jobs import job_figures
from bench.large_export import large_export_figures
from bench.projection import projection_figures
from bench.read_path import read_path_figures
from bench.rebuild import rebuild_figures
from bench.recovery import recovery_figures
from bench.running_stack import running_stack
from support.more_types import write_more_types

RESTARTS = 3
FILE = Path(os.environ.get("BENCH_FILE", ".data/bench.json"))


def main() -> None:
    wanted = [name.strip() for name in os.environ.get("BENCH_ONLY", "").split(",") if name.strip()] or list(SECTIONS)
    if unknown := set(wanted) - set(SECTIONS):
        sys.exit(f"There are no sections {', '.join(sorted(unknown))}. Known are: {', '.join(SECTIONS)}.")
    figures: list[Figure] = []
    for name in wanted:
        print(f"- {name}", flush=True)  # noqa: T201
        figures += SECTIONS[name]()
        table = tell(figures, FILE)
    print(table)  # noqa: T201


def demo_figures() -> list[Figure]:
    """The whole stack on a laptop: its start, its idling, the bar in a browser."""
    environment = dict(os.environ)
    with tempfile.TemporaryDirectory(prefix="jobmonitor-bench-") as name:
        folder = _open_to_servers(name)
        with running_stack(folder, environment) as stack:
            first_s = stack.first_page_s
            figures = idle_figures(stack)
            figures += asyncio.run(bar_figures(stack))
        again_s = []
        for _ in range(RESTARTS):
            with running_stack(folder, environment) as stack:
                again_s.append(stack.first_page_s)
    return [
        at_most(60, "first start with demo data: to the first page", "s", [first_s]),
        at_most(10, "started again: to the first page", "s", again_s),
        *figures,
    ]


def many_types_figures() -> list[Figure]:
    """The whole stack with fifteen job types served: its start and its idling."""
    with tempfile.TemporaryDirectory(prefix="jobmonitor-bench-") as name:
        folder = _open_to_servers(name)
        environment = {**os.environ, "PYTHONPATH": str(write_more_types(Path(name) / "types"))}
        with running_stack(folder, environment) as stack:
            first_s = stack.first_page_s
            figures = idle_figures(stack, "fifteen job types, idle")
        again_s = []
        for _ in range(RESTARTS):
            with running_stack(folder, environment) as stack:
                again_s.append(stack.first_page_s)
    return [
        at_most(60, "fifteen job types, first start: to the first page", "s", [first_s]),
        at_most(10, "fifteen job types, started again: to the first page", "s", again_s),
        *figures,
    ]


def hostile_clients_figures() -> list[Figure]:
    """Ordinary users beside hostile clients."""
    with (
        tempfile.TemporaryDirectory(prefix="jobmonitor-bench-") as name,
        running_stack(_open_to_servers(name), dict(os.environ)) as stack,
    ):
        return asyncio.run(hostile_figures(stack))


def size_figures() -> list[Figure]:
    """A large export."""
    supporters = int(os.environ.get("BENCH_SUPPORTERS", "1000000"))
    variables = {**os.environ, "JOBMONITOR_DEMO_SUPPORTERS": str(supporters)}
    with (
        tempfile.TemporaryDirectory(prefix="jobmonitor-bench-") as name,
        running_stack(_open_to_servers(name), variables) as stack,
    ):
        return large_export_figures(stack, supporters)


def _open_to_servers(folder: str) -> Path:
    """A server that may not run as root has to get into its folder."""
    Path(folder).chmod(0o711)
    return Path(folder) / "stack"


SECTIONS: dict[str, Callable[[], list[Figure]]] = {
    "demo": demo_figures,
    "many-types": many_types_figures,
    "projection": projection_figures,
    "jobs": job_figures,
    "recovery": recovery_figures,
    "rebuild": rebuild_figures,
    "large-export": size_figures,
    "read-path": read_path_figures,
    "hostile": hostile_clients_figures,
}


if __name__ == "__main__":
    main()
