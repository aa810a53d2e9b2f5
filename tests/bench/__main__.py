"""``make bench``: measure, print a table, write ``.data/bench.json``. Loopback only; ends by itself.

``BENCH_SUPPORTERS`` (default 1,000,000) is the size of the large export; 0 leaves it out.
"""

import asyncio
import os
import tempfile
from pathlib import Path

from bench.bar import bar_figures
from bench.figures import Figure, at_most, tell
from bench.idle import idle_figures
from bench.large_export import large_export_figures
from bench.running_stack import running_stack

RESTARTS = 3


def main() -> None:
    environment = dict(os.environ)
    supporters = int(environment.get("BENCH_SUPPORTERS", "1000000"))
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="jobmonitor-bench-") as folder:
        Path(folder).chmod(0o711)
        figures += demo_figures(Path(folder) / "demo", environment)
        if supporters:
            figures += size_figures(Path(folder) / "large", environment, supporters)
    print(tell(figures, Path(".data/bench.json")))  # noqa: T201


def demo_figures(folder: Path, environment: dict[str, str]) -> list[Figure]:
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


def size_figures(folder: Path, environment: dict[str, str], supporters: int) -> list[Figure]:
    variables = {**environment, "JOBMONITOR_DEMO_SUPPORTERS": str(supporters)}
    with running_stack(folder, variables) as stack:
        return large_export_figures(stack, supporters)


if __name__ == "__main__":
    main()
