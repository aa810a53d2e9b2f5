"""What people know, doing the same work beside us in the same run: Celery with Flower on Redis, and Procrastinate.

They live in an environment of their own (``.tools/peers``), whose lock is beside this file, with two worker processes
each and the settings they come with. Redis is Debian's. What cannot be had here is left out, and said.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from jobmonitor.local.ports import HOST, free_port

HERE = Path(__file__).parent
VENV = Path(".tools/peers").absolute()
RUNS = 3
JOBS = int(os.environ.get("BENCH_PEER_JOBS", "3000"))
STARTS = 300
WORKERS = 2
READY_WITHIN_S = 60.0

Environment = Mapping[str, str]
Command = list[str | Path]


@dataclass(frozen=True)
class PeerFigures:
    """What the peers reached; a run each."""

    celery_starts_ms: Sequence[float]
    """One each submission."""
    celery_jobs: Mapping[int, Sequence[float]]
    """Jobs a second, by how often each told its progress."""
    procrastinate_jobs: Mapping[int, Sequence[float]]


def measure_peers(postgres_url: str, progresses: Sequence[int], say: Callable[[str], object]) -> PeerFigures | None:
    """None, after a line that says why, where they cannot be had. ``postgres_url`` is of an empty database."""
    if os.environ.get("BENCH_PEERS") == "0":
        say("The peers are left out, as asked.")
        return None
    try:
        _install()
    except (OSError, subprocess.CalledProcessError) as error:
        say(f"The peers are left out: {error}")
        return None
    with _celery() as environment:
        starts = list(map(float, _ask(environment, "celery_jobs.py", "starts", str(STARTS)).split()))
        celery = {each: _runs(environment, "celery_jobs.py", "jobs", str(JOBS), str(each)) for each in progresses}
    with _procrastinate(postgres_url) as environment:
        other = {each: _runs(environment, "procrastinate_jobs.py", str(JOBS), str(each)) for each in progresses}
    for each in progresses:
        say(f"{each} progresses: Celery {celery[each]}, Procrastinate {other[each]} jobs/s")
    return PeerFigures(starts, celery, other)


def _install() -> None:
    """Raises OSError or CalledProcessError."""
    if shutil.which("redis-server") is None:
        _run("apt-get", "update")
        _run("apt-get", "install", "--yes", "--no-install-recommends", "redis-server")
    if not (VENV / "bin" / "python").exists():
        _run(sys.executable, "-m", "venv", VENV)
    pip: Command = [VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _run(*pip, "--require-hashes", "--requirement", HERE / "requirements.lock")


def _run(*command: str | Path, environment: Environment | None = None) -> None:
    subprocess.run(command, check=True, capture_output=True, env=environment, cwd=HERE)


def _ask(environment: Environment, *arguments: str) -> str:
    command: Command = [VENV / "bin" / "python", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment, cwd=HERE).stdout


def _runs(environment: Environment, *arguments: str) -> list[float]:
    return [round(float(_ask(environment, *arguments)), 1) for _ in range(RUNS)]


@contextmanager
def _celery() -> Iterator[Environment]:
    """A broker, a worker of two processes, and Flower, which everybody is seen by."""
    redis_port, flower_port = free_port(), free_port()
    environment = {
        **os.environ,
        "PEER_REDIS": f"redis://{HOST}:{redis_port}/0",
        "PEER_FLOWER": f"http://{HOST}:{flower_port}",
    }
    celery: Command = [VENV / "bin" / "celery", "-A", "celery_jobs"]
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        redis: Command = ["redis-server", "--port", str(redis_port), "--bind", HOST, "--dir", folder]
        stack.enter_context(_running(redis, environment))
        worker = [*celery, "worker", "--concurrency", str(WORKERS), "--task-events", "--loglevel", "WARNING"]
        stack.enter_context(_running(worker, environment))
        flower = [*celery, "flower", f"--address={HOST}", f"--port={flower_port}"]
        stack.enter_context(_running(flower, environment))
        _wait_for(environment["PEER_FLOWER"] + "/metrics")
        yield environment


@contextmanager
def _procrastinate(postgres_url: str) -> Iterator[Environment]:
    """Two workers on the database."""
    environment = {**os.environ, "PEER_POSTGRES": postgres_url, "PYTHONPATH": str(HERE)}
    command: Command = [VENV / "bin" / "procrastinate", "--app=procrastinate_jobs.app"]
    _run(*command, "schema", "--apply", environment=environment)
    with ExitStack() as stack:
        for _ in range(WORKERS):
            stack.enter_context(_running([*command, "worker", "--concurrency=10"], environment))
        yield environment


@contextmanager
def _running(command: Command, environment: Environment) -> Iterator[None]:
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(command, env=environment, cwd=HERE, stdout=output, stderr=output)
        try:
            yield
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _wait_for(url: str) -> None:
    until = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(url):  # noqa: S310 - on the loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit(f"{url} does not answer.")
