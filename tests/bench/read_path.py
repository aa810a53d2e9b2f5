"""Pages of the monitor and the history over HTTP, with few and with very many rows of history.

    BENCH_ONLY=read-path make bench

Two gateways answer in turns, request by request: one over 10,000 rows, one over ``BENCH_HISTORY_ROWS`` (default
10,000,000). Whatever else the machine does hits both alike. Both have 36 months of partitions and the same monitor. The
figures are the 99th percentiles of ``BENCH_READS`` (default 300) requests of each kind, several times.
"""

import asyncio
import os
import random
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias
from urllib.parse import urlencode

import msgspec

from bench.engine_servers import EngineServers, engine_servers, service
from bench.figures import Figure, percentile, tell, times
from bench.history_rows import FEW, OWNER, PASSWORD, SUPER, fill
from jobmonitor.gateway.http.cookies import SESSION_COOKIE
from jobmonitor.local.ports import HOST
from jobmonitor.local.postgres import NOT_DURABLE
from jobmonitor.local.service import GATEWAY, ServiceSpec

FEW_ROWS = 10_000
MANY_ROWS = int(os.environ.get("BENCH_HISTORY_ROWS", "10000000"))
READS = int(os.environ.get("BENCH_READS", "300"))
RUNS = int(os.environ.get("BENCH_RUNS", "5"))
WARM_UP = 10
CURSORS = 50
RATIO_AT_MOST = 1.3
P99_AT_MOST_MS = 20
FILLING = {**NOT_DURABLE, "max_wal_size": "16GB", "maintenance_work_mem": "256MB"}
"""Nothing of it changes how rows are read."""

Query: TypeAlias = Mapping[str, object]


@dataclass
class Reader:
    """Somebody logged in at one gateway, over one connection."""

    http: HTTPConnection
    rows: int
    cookie: str = ""
    cursors: tuple[str, ...] = ()
    """Ends of pages in all depths of this reader's history."""

    def log_in(self, email: str) -> None:
        body = msgspec.json.encode({"email": email, "password": PASSWORD})
        self.http.request("POST", "/api/v1/session", body, {"content-type": "application/json"})
        response = self.http.getresponse()
        response.read()
        self.cookie = (response.getheader("set-cookie") or "").split(";")[0]
        if not self.cookie.startswith(SESSION_COOKIE):
            raise SystemExit(f"The bench could not log in: {response.status}.")

    def page(self, query: Query) -> tuple[dict[str, Any], float]:
        """The page, and the milliseconds from the request to the last byte."""
        began = time.perf_counter()
        self.http.request("GET", f"/api/v1/jobs?{urlencode({'limit': 50, **query})}", headers={"cookie": self.cookie})
        response = self.http.getresponse()
        content = response.read()
        took_ms = 1000 * (time.perf_counter() - began)
        if response.status != 200:
            raise SystemExit(f"{query} was answered with {response.status}: {content!r}")
        page: dict[str, Any] = msgspec.json.decode(content)
        return page, took_ms

    def gather_cursors(self, chance: random.Random) -> None:
        pages = [self.page({"view": "history", "until": _moment(chance)})[0] for _ in range(CURSORS)]
        self.cursors = tuple(page["next"] for page in pages if page["next"])


def _moment(chance: random.Random) -> str:
    """Of the last three years but for the first months, so that a full page is below it."""
    return (datetime.now(UTC) - timedelta(days=chance.uniform(0, 900))).isoformat()


def _month(chance: random.Random) -> Query:
    """Five weeks, which hold a full page even of the few rows."""
    since = datetime.now(UTC) - timedelta(days=chance.uniform(40, 900))
    return {"since": since.isoformat(), "until": (since + timedelta(days=35)).isoformat()}


HISTORY: Query = {"view": "history"}
Kind: TypeAlias = Callable[[Reader, random.Random], Query]


def always(**query: object) -> Kind:
    """The same query each time."""
    return lambda _, __: query


KINDS: Mapping[str, Kind] = {
    "monitor": always(),
    "monitor, running": always(state="running"),
    "monitor, search": lambda _, chance: {"q": f"week {chance.randrange(52)}"},
    "history": always(**HISTORY),
    "history, deep": lambda reader, chance: {**HISTORY, "after": chance.choice(reader.cursors)},
    "history, type": lambda _, chance: {**HISTORY, "type": f"user-data-{chance.choice(('export', 'import'))}"},
    "history, ready": always(**HISTORY, state="ready"),
    "history, time": lambda _, chance: {**HISTORY, **_month(chance)},
    "history, search": lambda _, chance: {**HISTORY, "q": f"page {chance.randrange(1000)}"},
    "history, search deep": lambda reader, chance: {**HISTORY, "q": "week 7", "after": chance.choice(reader.cursors)},
    "history, whole name": lambda _, chance: {**HISTORY, "q": f"Major donors, week {chance.randrange(52)}"},
    "history, Job#": lambda reader, chance: {**HISTORY, "q": f"#{chance.randrange(1, reader.rows)}"},
}
OF_A_PERSON: Mapping[str, Kind] = {
    "history, person": lambda _, chance: {**HISTORY, "owner": 1001 + chance.randrange(40)},
    "history, person deep": lambda reader, chance: {**HISTORY, "owner": 1001, "after": chance.choice(reader.cursors)},
    "history, person and time": lambda _, chance: {**HISTORY, "owner": 1001, **_month(chance)},
}
WHO: Mapping[str, tuple[str, Mapping[str, Kind]]] = {
    "Super Admin": (SUPER, {**KINDS, **OF_A_PERSON}),
    "owner of many": (OWNER, KINDS),
    "owner of a hundred": (FEW, {"history": KINDS["history"], "history, search": KINDS["history, search"]}),
}


def read_path_figures() -> list[Figure]:
    """On servers of its own; the databases take 12 GB while it runs."""
    with tempfile.TemporaryDirectory(prefix="jobmonitor-bench-") as name, ExitStack() as stack:
        Path(name).chmod(0o711)
        servers = stack.enter_context(engine_servers(Path(name) / "servers", [], FILLING))
        gateways = [(_gateway(stack, Path(name), servers, rows), rows) for rows in (FEW_ROWS, MANY_ROWS)]
        figures: list[Figure] = []
        for who, (email, kinds) in WHO.items():
            few, many = (_reader(stack, port, rows, email) for port, rows in gateways)
            figures += [_figure(f"{what}, {who}", kind, few, many) for what, kind in kinds.items()]
        return figures


def _gateway(stack: ExitStack, folder: Path, servers: EngineServers, rows: int) -> int:
    """The port of a gateway over a history of so many rows."""
    own = servers.with_database(f"history_{rows}")
    began = time.monotonic()
    asyncio.run(fill(own.superuser_url, rows))
    print(f"  {rows:,} rows of history made in {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201
    gateway = service(folder, ServiceSpec("gateway", GATEWAY, 1 if rows == FEW_ROWS else 2), own, {})
    gateway.launch()
    stack.callback(gateway.stop)
    gateway.wait_until_ready()
    return gateway.port


def _reader(stack: ExitStack, port: int, rows: int, email: str) -> Reader:
    http = HTTPConnection(HOST, port, timeout=30)
    stack.callback(http.close)
    reader = Reader(http, rows)
    reader.log_in(email)
    reader.gather_cursors(random.Random(1))
    return reader


def _figure(what: str, kind: Kind, few: Reader, many: Reader) -> Figure:
    """The percentile with many rows, beside that with few."""
    chance = random.Random(7)
    for reader in (few, many) * WARM_UP:
        reader.page(kind(reader, chance))
    p99_few, p99_many = [], []
    for _ in range(RUNS):
        taken: dict[int, list[float]] = {few.rows: [], many.rows: []}
        for reader in (few, many) * READS:
            taken[reader.rows].append(reader.page(kind(reader, chance))[1])
        p99_few.append(percentile(taken[few.rows], 99))
        p99_many.append(percentile(taken[many.rows], 99))
    compared = times(RATIO_AT_MOST, f"{what}: p99, {many.rows:,} rows", "ms", p99_many, p99_few)
    return msgspec.structs.replace(
        compared,
        goal=f"at most {P99_AT_MOST_MS} and {RATIO_AT_MOST} x {few.rows:,} rows' {median(p99_few):.1f}",
        met=compared.met and median(p99_many) <= P99_AT_MOST_MS,
    )


if __name__ == "__main__":
    print(tell(read_path_figures(), Path(".data/bench-read-path.json")))  # noqa: T201
