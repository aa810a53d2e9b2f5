"""A stack of the bench's own, in a folder of its own, started and stopped by it."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psutil

START_LIMIT_S = 1200


@dataclass
class RunningStack:
    """One start of the stack."""

    process: psutil.Process
    folder: Path
    first_page_s: float
    """From the command to the first page that was served."""

    @property
    def note(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.folder / "stack.json").read_text())
        return content

    @property
    def url(self) -> str:
        return str(self.note["http_url"])

    def processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


@contextmanager
def running_stack(folder: Path, environment: dict[str, str]) -> Iterator[RunningStack]:
    """Start the stack on this data folder, wait for its first page, and stop it in the end."""
    started_at = time.monotonic()
    command = [sys.executable, "-m", "jobmonitor.local"]
    variables = {**environment, "JOBMONITOR_DATA_DIR": str(folder), "JOBMONITOR_HTTP_PORT": "0"}
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, env=variables, stdout=output, stderr=output)
        try:
            yield _first_page(child, folder, started_at)
        finally:
            child.terminate()
            child.wait(60)


def _first_page(child: "subprocess.Popen[bytes]", folder: Path, started_at: float) -> RunningStack:
    while time.monotonic() - started_at < START_LIMIT_S:
        if child.poll() is not None:
            raise SystemExit("The stack ended before it served a page.")
        try:
            url = json.loads((folder / "stack.json").read_text())["http_url"]
            httpx2.get(url, timeout=5).raise_for_status()
            return RunningStack(psutil.Process(child.pid), folder, time.monotonic() - started_at)
        except (OSError, ValueError, httpx2.HTTPError):
            time.sleep(0.05)
    raise SystemExit("The stack did not serve a page in time.")
