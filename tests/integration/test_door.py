"""What may come in: what nobody can accept makes a failed job that says why, and holds up nobody else."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from jobmonitor.contract.envelope import decode
from jobmonitor.contract.events import JobCompleted, JobFailed
from jobmonitor.processor.requests import RequestHandler
from support.engine import Engine, open_engine


@pytest.fixture
async def engine(database: Any, kafka: Any, tmp_path: Path) -> AsyncIterator[Engine]:
    async with open_engine(database, kafka, tmp_path) as engine:
        engine.probe.small = True
        yield engine


def submission(job_id: UUID, **says: Any) -> bytes:
    """A message as any producer may send it."""
    data = {"account_id": 1, "owner_id": 2, "job_type": "probe", "parameters": {"units": 2}, **says}
    envelope = {
        "specversion": "1.0",
        "id": str(uuid4()),
        "source": "/tests",
        "type": "jobmonitor.job_submitted.v1",
        "subject": str(job_id),
        "time": "2026-11-27T12:00:00Z",
        "data": data,
    }
    return json.dumps(envelope).encode()


def handler(engine: Engine) -> RequestHandler:
    return RequestHandler(engine.probe, engine.ledger, engine.taking_up)


UNACCEPTABLE: dict[str, dict[str, Any]] = {
    "too_many_names": {"parameters": {f"unknown {number}": number for number in range(10_000)}},
    "too_large": {"parameters": {"ids": list(range(120_000))}},
    "text_too_long": {"parameters": {"format": "x" * 900_000}},
    "too_deep": {"parameters": {"x": json.loads("[" * 900 + "]" * 900)}},
    "nul_character": {"parameters": {"x": "a\0b"}},
    "number_too_large": {"parameters": {"x": 10**30}},
    "bad_run_at": {"run_at": "9999-12-31T23:59:59.999999Z"},
}


@pytest.mark.parametrize("code", UNACCEPTABLE)
async def test_what_nobody_can_accept_fails_with_the_reason_and_keeps_nobody_waiting(engine: Engine, code: str) -> None:
    refused, honest = uuid4(), uuid4()
    events = [decode(submission(refused, **UNACCEPTABLE[code])), decode(submission(honest))]
    await handler(engine).handle(events)
    (fact,) = await engine.facts(refused)
    assert isinstance(fact, JobFailed)
    assert (fact.code, fact.sequence) == (code, 1)
    assert fact.asked is not None
    assert (fact.asked.request_id, fact.asked.parameters) == (events[0].id, None)
    assert isinstance((await engine.facts(honest))[-1], JobCompleted)
    await handler(engine).handle(events)
    assert len(await engine.facts(refused)) == 1, "a repeat changes nothing"


async def test_many_unknown_parameters_make_a_short_reason(engine: Engine) -> None:
    job_id = uuid4()
    names = {f"unknown parameter number {number}": 1 for number in range(1_000)}
    await handler(engine).handle([decode(submission(job_id, parameters=names))])
    (fact,) = await engine.facts(job_id)
    assert fact.code == "bad_parameters"
    assert "unknown parameter number 0" in fact.reason
    assert len(fact.reason) <= 500
