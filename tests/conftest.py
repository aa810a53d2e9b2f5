"""Fixtures of all tests: the real servers, each started when the first test asks for it."""

import logging
import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from jobmonitor.local.jars import fetch_jars
from jobmonitor.local.kafka import KafkaServer
from support.servers import Database, Postgres
from support.stack import RunningStack

TOOLS = Path(__file__).parent.parent / ".tools"
# How long an example takes says more about the machine than about the code.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")
# Plain tracebacks as in the processes' own logs: the default draws every frame's variables, which blocks an event loop
# for seconds. Through logging, whose handlers lock: to print from a gateway's thread while pytest changes the file
# behind sys.stdout corrupts the interpreter's memory, as no TextIOWrapper is thread-safe (library reference, io).
structlog.configure(
    logger_factory=structlog.stdlib.LoggerFactory(),
    processors=[
        structlog.processors.add_log_level,
        structlog.dev.set_exc_info,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ],
)
logging.getLogger("jobmonitor").setLevel(logging.INFO)


def pytest_configure() -> None:
    """A script that starts the tests in its background has them ignore these, and so would all they start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)


NOTHING_IS_SKIPPED = os.environ.get("CI", "").lower() in ("1", "true")


OWN_STACK = ("test_own_job_type.py", "test_page_plain_form.py")
"""Files of tests/end_to_end that do not use the one stack all others share."""


class Grouped(LoadScopeScheduling):  # type: ignore[misc]
    """Shares the tests out to several workers: a file's stay together, as do those that need the same big thing.

    The marks ``xdist_group`` have no effect: pytest-xdist 3.8.0 writes them into ``_nodeid``, which pytest 9.2 ignores.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        folder, name = file.rsplit("/", 1)
        if folder.endswith("end_to_end") and name not in OWN_STACK:
            return "stack"  # one is started, not one for each worker
        return folder if folder.endswith("contract") else file  # they install the official schemas


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Grouped:
    return Grouped(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: "pytest.CallInfo[None]"
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a test that is skipped has failed: there everything it needs can be had."""
    report = yield
    if NOTHING_IS_SKIPPED and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """The same for whole files."""
    report = yield
    if NOTHING_IS_SKIPPED and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def servers_folder() -> Iterator[Path]:
    """Where the session's servers keep their data; others may enter, as PostgreSQL runs as another user under root."""
    folder = Path(tempfile.mkdtemp(prefix="jobmonitor-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(servers_folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL for the whole session. A test that stops it starts it again."""
    server = Postgres(servers_folder / "postgres")
    yield server
    server.stop()


@pytest.fixture
def database(postgres: Postgres) -> Iterator[Database]:
    """A migrated database of this test's own, without rows."""
    fresh = postgres.fresh_database()
    yield fresh
    postgres.drop(fresh)


@pytest.fixture(scope="session")
def jars() -> Path:
    """The folder of Kafka's jars."""
    return fetch_jars(TOOLS)


@pytest.fixture(scope="session")
def kafka(servers_folder: Path, jars: Path) -> Iterator[KafkaServer]:
    """A Kafka broker for the whole session, without topics. A test that stops it starts it again."""
    server = KafkaServer(servers_folder / "kafka", jars=jars, settings={"group.min.session.timeout.ms": "1000"})
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def stack(servers_folder: Path) -> Iterator[RunningStack]:
    """The whole stack with its demo data, for all tests that use it as somebody would. What they kill comes back."""
    running = RunningStack(servers_folder / "stack").start()
    yield running
    running.stop()
