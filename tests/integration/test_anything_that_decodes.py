"""Whatever decodes can be accepted, folded, stored, shown and written again: properties on a real PostgreSQL."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobmonitor.contract.envelope import Event, Undecodable, decode, encode
from jobmonitor.database.pool import Pool
from jobmonitor.gateway.jobs.items import item
from jobmonitor.gateway.jobs.records import job_record
from jobmonitor.job_types.registry import offered
from jobmonitor.processor.requests import RequestHandler
from jobmonitor.projection.batch import Rejected, read
from jobmonitor.projection.store import Partition, Position, Store
from support.engine import Engine
from support.event_strategies import JSON_VALUES, events
from support.projecting import Read, home_of

EXAMPLES = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
TYPES = {job_type.slug: job_type for job_type in offered()}
JOBS = """
SELECT v.*, NULL AS owner_name, 'Asia/Kathmandu' AS zone
FROM (SELECT 'monitor' AS view, * FROM projection.job_monitor
      UNION ALL SELECT 'history' AS view, * FROM projection.job_history) AS v
"""
DEEP = st.integers(1, 990).map(lambda depth: json.loads("[" * depth + "]" * depth))
ODD = st.sampled_from([10**40, -(2**63), 2**63 - 1, 1e308, -0.0, "\0", "\u2028", "x" * 30_000, "\U0010ffff"])
MOMENTS = st.sampled_from(
    ["0001-01-01T00:00:00Z", "2000-01-01T00:00:00Z", "2099-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"]
)


@st.composite
def submissions(draw: st.DrawFn) -> bytes:
    """As a producer may write it: of the form the schema has, with anything in it."""
    parameters = draw(st.dictionaries(st.text(max_size=30), JSON_VALUES | DEEP | ODD, max_size=4))
    data: dict[str, Any] = {"account_id": 1, "owner_id": 2, "job_type": "probe", "parameters": parameters}
    if draw(st.booleans()):
        data["run_at"] = draw(MOMENTS)
    envelope = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/tests",
        "type": "jobmonitor.job_submitted.v1",
        "subject": str(uuid4()),
        "time": draw(MOMENTS),
        "data": data,
    }
    return json.dumps(envelope).encode("utf-8", "surrogatepass")


@dataclass
class Tables:
    """The views, and what was refused on the way into them."""

    owner: "asyncpg.Connection[asyncpg.Record]"
    pool: Pool
    reasons: list[str]

    async def fold(self, values: Sequence[bytes]) -> None:
        store = Store(self.pool, self._keep)
        messages = [Read(home_of(value, "probe"), 0, offset, b"", value) for offset, value in enumerate(values)]
        partition = Partition("requests.probe", 0)
        places = await store.claim([partition])
        await store.flush(read(messages), {partition: Position(places[partition].epoch, len(values))})

    async def _keep(self, rejected: Sequence[Rejected]) -> None:
        self.reasons += [letter.reason for letter in rejected]

    async def show(self) -> int:
        """Every row as the page gets it; returns how many there are."""
        rows = await self.owner.fetch(JOBS)
        for row in rows:
            values = dict(row) | {
                name: msgspec.json.decode(row[name])
                for name in ("parameters", "outcomes", "result")
                if row[name] is not None
            }
            msgspec.json.encode(item(job_record(values), TYPES, datetime.now(UTC)))
        return len(rows)


@pytest.fixture
def tables(superuser: "asyncpg.Connection[asyncpg.Record]", projection_pool: Pool) -> Tables:
    return Tables(superuser, projection_pool, [])


@EXAMPLES
@given(st.lists(events(), min_size=1, max_size=8))
async def test_every_event_can_be_folded_stored_and_shown(tables: Tables, several: list[Event]) -> None:
    await tables.fold([encode(event) for event in several])
    await tables.show()
    assert all(len(reason) <= 600 for reason in tables.reasons)


@pytest.fixture
def engine(engine: Engine) -> Engine:
    engine.probe.small = True
    return engine


@EXAMPLES
@given(st.lists(submissions(), min_size=1, max_size=4))
async def test_every_submission_is_stored_or_refused_with_a_short_reason(
    tables: Tables, engine: Engine, sent: list[bytes]
) -> None:
    asked = [event for event in map(_decoded, sent) if event is not None]
    await RequestHandler(engine.probe, engine.ledger, engine.acceptor).handle(asked)
    await tables.fold(sent)
    jobs = {event.job_id for event in asked}
    runs = await engine.owner.fetch("SELECT job_id FROM ledger.runs WHERE job_id = ANY ($1::uuid[])", list(jobs))
    assert {row["job_id"] for row in runs} == jobs
    shown = await tables.owner.fetch(f"SELECT job_id FROM ({JOBS}) AS v WHERE job_id = ANY ($1::uuid[])", list(jobs))
    assert {row["job_id"] for row in shown} == jobs
    await tables.show()
    assert all(decode(encode(event)).job_id == event.job_id for event in asked)
    assert all(len(reason) <= 600 for reason in tables.reasons)


def _decoded(value: bytes) -> Event | None:
    try:
        return decode(value)
    except Undecodable:
        return None
