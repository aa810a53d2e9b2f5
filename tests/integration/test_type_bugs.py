"""A bug of a job type's own code, wherever it is: it fails tries of its own chunk, then its job; nothing else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from jobmonitor.contract.events import JobFailed
from jobmonitor.job_types.probe.job_type import ProbeParameters
from jobmonitor.job_types.protocol import Assembly, AssemblyContext, Context, Part, PlannedChunk, RetryPolicy
from jobmonitor.processor.metrics import BUGS
from support.engine import Engine
from support.probe import FailingProbe

FAULT = "A part of the work was tried 2 times and failed each time. This is a fault of the software."


class BuggyProbe(FailingProbe):
    """Raises in the part of its work that is named, as long as it has bugs left."""

    retries = RetryPolicy(tries_max=2)

    def __init__(self, place: str, bugs: int = 99) -> None:
        super().__init__()
        self._place = place
        self._bugs = bugs

    def _at(self, place: str) -> bool:
        if place != self._place or not self._bugs:
            return False
        self._bugs -= 1
        return True

    def _fail_at(self, place: str) -> None:
        if self._at(place):
            raise KeyError(place)

    def unit_of(self, params: ProbeParameters) -> str:
        self._fail_at("unit")
        return super().unit_of(params)

    async def check(self, params: ProbeParameters, context: Context) -> None:
        self._fail_at("check")
        if self._at("sql"):
            await context.connection.execute("SELECT nothing FROM nowhere")

    async def plan(self, params: ProbeParameters, context: Context) -> AsyncIterator[PlannedChunk]:
        self._fail_at("plan")
        async for chunk in super().plan(params, context):
            yield PlannedChunk(units=chunk.units, payload="\x00") if self._at("payload") else chunk
            self._fail_at("middle of the plan")

    async def run_chunk(self, params: ProbeParameters, payload: Any, context: Context) -> Part:
        part = await super().run_chunk(params, payload, context)
        self._fail_at("chunk")
        if self._at("cancellation"):
            raise asyncio.CancelledError
        nothing: Any = None
        return nothing if self._at("no part") else part

    def assemble(
        self, params: ProbeParameters, parts: AsyncIterator[bytes], context: AssemblyContext
    ) -> Assembly | None:
        self._fail_at("assembly")
        made = super().assemble(params, parts, context)
        assert made is not None
        if self._at("no assembly"):
            nothing: Any = "a file"
            return nothing  # type: ignore[no-any-return]
        return Assembly(content=self._file(made.content), media_type=made.media_type, extension=made.extension)

    async def _file(self, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for piece in content:
            yield piece
            self._fail_at("file")


PLACES = {
    "plan": ["unit", "check", "sql", "plan", "payload", "middle of the plan"],
    "work": ["chunk", "cancellation", "no part"],
    "assemble": ["assembly", "no assembly", "file"],
}
EACH = [(kind, place) for kind, places in PLACES.items() for place in places]


@pytest.fixture
def letters() -> list[str]:
    return []


@pytest.fixture
def run_out(engine: Engine, letters: list[str]) -> Callable[..., Any]:
    """Runs what is dispatched until nothing is, as if every pause were over."""

    async def keep(reason: str) -> None:
        letters.append(reason)

    async def run(job_id: Any) -> None:
        while chunks := await engine.dispatched(job_id):
            for chunk in chunks:
                await engine.runner.run(job_id, chunk, keep)
            await engine.end_leases(job_id)

    return run


@pytest.mark.parametrize(("kind", "place"), EACH, ids=[place for _, place in EACH])
async def test_a_bug_anywhere_in_a_type_fails_its_job_after_its_tries(
    engine: Engine, letters: list[str], run_out: Callable[..., Any], kind: str, place: str
) -> None:
    engine.use(BuggyProbe(place))
    before = BUGS.labels("probe", kind)._value.get()
    job_id = await engine.submit(units=4, chunk_units=4)
    await run_out(job_id)
    failed = (await engine.facts(job_id))[-1]
    assert isinstance(failed, JobFailed)
    assert (failed.code, failed.reason) == ("gave_up", FAULT)
    assert len(letters) == 1
    assert BUGS.labels("probe", kind)._value.get() == before + 2
    assert await engine.effects() == ([0, 1, 2, 3] if kind == "assemble" else [])


@pytest.mark.parametrize(("kind", "place"), EACH, ids=[place for _, place in EACH])
async def test_a_bug_that_shows_once_costs_one_try(
    engine: Engine, run_out: Callable[..., Any], kind: str, place: str
) -> None:
    engine.use(BuggyProbe(place, bugs=1))
    job_id = await engine.submit(units=4, chunk_units=2)
    await run_out(job_id)
    assert (await engine.run(job_id))["state"] == "completed"
    assert await engine.effects() == [0, 1, 2, 3]
    rows = await engine.owner.fetch("SELECT kind, attempt FROM ledger.chunks WHERE job_id = $1", job_id)
    assert sorted(row["kind"] for row in rows if row["attempt"] == 2) == [kind]


@pytest.mark.parametrize("place", ["unit", "plan", "chunk", "assembly", "file"])
async def test_a_bug_in_a_small_job_is_the_same(
    engine: Engine, letters: list[str], run_out: Callable[..., Any], place: str
) -> None:
    probe = BuggyProbe(place)
    probe.small = True
    engine.use(probe)
    job_id = await engine.submit(units=4, chunk_units=4)
    await run_out(job_id)
    failed = (await engine.facts(job_id))[-1]
    assert isinstance(failed, JobFailed)
    assert failed.reason == FAULT


async def test_parameters_that_no_code_can_read_refuse_the_job(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr("jobmonitor.processor.acceptor.read_parameters", fail)
    job_id = await engine.submit(units=4)
    failed = (await engine.facts(job_id))[-1]
    assert isinstance(failed, JobFailed)
    assert "They could not be read. This is a fault of the software." in failed.reason
