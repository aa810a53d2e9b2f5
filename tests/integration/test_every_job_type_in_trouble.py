"""What becomes of every installed job type's jobs in trouble: asked for twice, killed, stopped, refused, another's.

A new type is tried by having samples; nothing here names one.
"""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from jobmonitor.contract.events import JobStopRequested, JobSubmitted, submission_refused
from jobmonitor.contract.limits import PARAMETERS_BYTES_MAX
from jobmonitor.contract.topics import view_topics, work_topic
from jobmonitor.crm import demo
from jobmonitor.database.pool import see_account
from jobmonitor.job_types.protocol import JobType
from jobmonitor.job_types.registry import permissions
from jobmonitor.local.kafka import KafkaServer
from jobmonitor.runtime.objects import ObjectStore
from support.engine import Engine, create_topics, heard, open_engine
from support.every_type import ACCOUNT, SUPPORTERS, World, every_type, finely_cut, open_world
from support.run_job_type import owner_of
from support.samples import Sample, samples_of
from support.servers import Database, Postgres

KILLS = 4
GONE_WITHIN_S = 1.0
OTHER_ACCOUNT = 2


@pytest.fixture(scope="module")
async def demo_database(postgres: Postgres) -> AsyncIterator[Database]:
    """A small demo, to be copied."""
    database = postgres.fresh_database()
    await demo.fill(database.owner_url, SUPPORTERS, permissions())
    yield database
    postgres.drop(database)


@pytest.fixture(scope="module")
async def lonely_demo(postgres: Postgres) -> AsyncIterator[Database]:
    """One of which the account has a single supporter."""
    database = postgres.fresh_database()
    await demo.fill(database.owner_url, 1, permissions())
    yield database
    postgres.drop(database)


@dataclass(frozen=True)
class Trial:
    """A job type at work in a world of its own."""

    job_type: JobType[Any]
    world: World
    engine: Engine
    kafka: KafkaServer
    folder: Path

    async def submission(self, sample: Sample, **says: Any) -> JobSubmitted:
        """What the sample asks for, or what is said instead."""
        asked = {"account_id": ACCOUNT, "owner_id": owner_of(ACCOUNT), "job_type": self.job_type.slug}
        parameters = says.pop("parameters", None) or await self.world.parameters(self.job_type, sample)
        return JobSubmitted(**{**asked, "parameters": parameters, **says})

    async def accept(self, submission: JobSubmitted, job_id: UUID | None = None) -> UUID:
        """As a worker does, which looks up who may do what."""
        job_id = job_id or uuid4()
        acceptor = self.engine.acceptor_for(self.job_type, load_standings=None)
        await acceptor.accept([heard(job_id, submission)._replace(refusal=submission_refused(submission))])
        return job_id

    async def ended(self, job_id: UUID) -> dict[str, Any]:
        """The run once nothing of it is left to do."""
        await self.engine.run_to_end(job_id)
        run = dict(await self.engine.run(job_id))
        return {**run, "outcomes": json.loads(run["outcomes"])}

    async def written(self, job_id: UUID) -> dict[str, int] | None:
        """Units by outcome, as what the chunks wrote tells; None for a type that writes nothing. Nothing is doubled."""
        if self.job_type.effects is None:
            return None
        async with self.engine.owner.transaction():
            await see_account(self.engine.owner, ACCOUNT)
            rows = await self.job_type.effects.statement.fetch(self.engine.owner)
        ours = [row for row in rows if row["job_id"] == job_id]
        assert not any(row["doubled"] for row in ours)
        return {row["outcome"]: row["units"] for row in ours}

    async def kill_a_worker_at_it(self, job_id: UUID, after_s: float) -> None:
        """Another worker begins, and is gone in the middle: its connections are cut, and it can tell nobody."""
        async with open_engine(self.world.database, self.kafka, self.folder) as other:
            other.serve(self.job_type)
            working = asyncio.create_task(other.run_to_end(job_id))
            await asyncio.sleep(after_s)
            other.cut_off()
            working.cancel()  # what goes on trying to tell the database tries in vain
            await asyncio.wait([working], timeout=GONE_WITHIN_S)
        await self.engine.end_leases(job_id)


@pytest.fixture
async def trial(
    request: pytest.FixtureRequest,
    postgres: Postgres,
    kafka: KafkaServer,
    demo_database: Database,
    tmp_path: Path,
) -> AsyncIterator[Trial]:
    """Of the type that the test is for, its work cut finely."""
    job_type: JobType[Any] = request.getfixturevalue("job_type")
    async with _trial_of(job_type, postgres, kafka, demo_database, tmp_path) as opened:
        yield opened


@asynccontextmanager
async def _trial_of(
    job_type: JobType[Any], postgres: Postgres, kafka: KafkaServer, demo_database: Database, folder: Path
) -> AsyncIterator[Trial]:
    async with (
        open_world(postgres, demo_database, ObjectStore(f"file://{folder}")) as world,
        open_engine(world.database, kafka, folder) as engine,
    ):
        await create_topics(engine.bootstrap, *view_topics(job_type.slug), work_topic(job_type.slug))
        cut = finely_cut(job_type)
        vars(cut)["is_small"] = _never  # else it would be over as soon as it is accepted
        engine.serve(cut)
        yield Trial(cut, world, engine, kafka, folder)


def ordinary(job_type: JobType[Any]) -> Sample:
    """The first sample that has something to do and does it."""
    return next(each for each in samples_of(job_type) if not each.empty and not each.refused)


@every_type
async def test_asked_for_twice_and_each_chunk_told_of_twice_it_is_done_once(
    job_type: JobType[Any], trial: Trial
) -> None:
    submission = await trial.submission(ordinary(job_type))
    job_id = await trial.accept(submission)
    await trial.accept(submission, job_id)
    while chunks := await trial.engine.dispatched(job_id):
        await asyncio.gather(*(trial.engine.runner.run(job_id, chunk) for chunk in [*chunks, *chunks]))

    run = await trial.ended(job_id)
    assert run["state"].startswith("completed")
    assert sum(run["outcomes"].values()) == run["total"] > 0
    assert await trial.written(job_id) in (None, _some(run["outcomes"]))


@every_type
async def test_killed_anywhere_it_ends_as_if_nothing_had_happened(
    job_type: JobType[Any], postgres: Postgres, kafka: KafkaServer, demo_database: Database, tmp_path: Path
) -> None:
    """But for effects outside: what a worker was doing when it was killed is unknown, and not done again."""
    sample, dice = ordinary(job_type), random.Random(2026)
    async with _trial_of(job_type, postgres, kafka, demo_database, tmp_path / "undisturbed") as trial:
        undisturbed = await trial.ended(await trial.accept(await trial.submission(sample)))
    async with _trial_of(job_type, postgres, kafka, demo_database, tmp_path / "killed") as trial:
        job_id = await trial.accept(await trial.submission(sample))
        for _ in range(KILLS):
            await trial.kill_a_worker_at_it(job_id, dice.uniform(0.0, 0.15))
        run = await trial.ended(job_id)
        assert sum(run["outcomes"].values()) == run["total"] == undisturbed["total"] > 0
        if job_type.outside is None:
            assert (run["state"], run["outcomes"]) == (undisturbed["state"], undisturbed["outcomes"])
        assert await trial.written(job_id) in (None, _some(run["outcomes"]))


@every_type
async def test_a_stop_ends_it_where_its_type_allows_that_and_else_changes_nothing(
    job_type: JobType[Any], trial: Trial
) -> None:
    job_id = await trial.accept(await trial.submission(ordinary(job_type)))
    for _ in range(2):  # the plan, and the first piece of work
        for chunk in (await trial.engine.dispatched(job_id))[:1]:
            await trial.engine.runner.run(job_id, chunk)
    asked = JobStopRequested(account_id=ACCOUNT, requested_by=owner_of(ACCOUNT))
    before = dict(await trial.engine.run(job_id))
    await trial.engine.ledger.stop(job_id, asked, datetime.now(UTC), stoppable=job_type.stoppable)

    run = await trial.ended(job_id)
    if job_type.stoppable:
        assert (before["state"], run["state"], run["done"]) == ("running", "cancelled", before["done"])
        assert 0 < run["done"] < run["total"]
    else:
        assert run["state"].startswith("completed")
        assert run["done"] == run["total"]
    assert sum(run["outcomes"].values()) == run["done"]
    assert await trial.written(job_id) in (None, _some(run["outcomes"]))


@every_type
async def test_refused_it_says_so_and_nothing_of_it_is_done(job_type: JobType[Any], trial: Trial) -> None:
    for sample in (each for each in samples_of(job_type) if each.refused):
        run = await trial.ended(job_id := await trial.accept(await trial.submission(sample)))
        assert (sample.name, run["state"], run["done"]) == (sample.name, "failed", 0)
        assert await trial.written(job_id) in (None, {})


@every_type
async def test_too_large_it_is_refused_before_anything_of_it_is_kept(job_type: JobType[Any], trial: Trial) -> None:
    parameters = {"x": ["y" * 1000] * (PARAMETERS_BYTES_MAX // 1000 + 1)}
    run = await trial.ended(await trial.accept(await trial.submission(ordinary(job_type), parameters=parameters)))
    assert (run["state"], run["total"]) == ("failed", 0)


@every_type
async def test_with_one_unit_it_is_whole_after_that(
    job_type: JobType[Any], postgres: Postgres, kafka: KafkaServer, lonely_demo: Database, tmp_path: Path
) -> None:
    for sample in (each for each in samples_of(job_type) if each.single):
        async with _trial_of(job_type, postgres, kafka, lonely_demo, tmp_path) as trial:
            run = await trial.ended(await trial.accept(await trial.submission(sample)))
        assert (sample.name, run["state"], run["done"], run["total"]) == (sample.name, "completed", 1, 1)


@every_type
async def test_in_the_name_of_somebody_of_another_account_it_is_refused(job_type: JobType[Any], trial: Trial) -> None:
    sample = ordinary(job_type)
    stranger = await trial.submission(sample, owner_id=owner_of(OTHER_ACCOUNT) + 1_000)
    run = await trial.ended(job_id := await trial.accept(stranger))
    assert (run["state"], run["total"]) == ("failed", 0)
    assert await trial.written(job_id) in (None, {})


@every_type
async def test_what_belongs_to_another_account_is_not_there_for_it(job_type: JobType[Any], trial: Trial) -> None:
    """Its uploads, and whatever its parameters take from the account's options."""
    taking = (each for each in samples_of(job_type) if each.file is not None or "$" in str(each.parameters))
    for sample in (each for each in taking if not each.refused):
        parameters = await trial.world.parameters(job_type, sample)
        people = await trial.engine.owner.fetchrow(ANYBODY, OTHER_ACCOUNT)
        assert people is not None
        theirs = await trial.submission(sample, parameters=parameters, account_id=OTHER_ACCOUNT, owner_id=people["id"])
        run = await trial.ended(await trial.accept(theirs))
        assert (sample.name, run["state"], run["done"]) == (sample.name, "failed", 0)


ANYBODY = "SELECT id FROM crm.users WHERE account_id = $1 AND user_type = 'super_admin' LIMIT 1"


async def _never(*_: object) -> bool:
    return False


def _some(outcomes: dict[str, int]) -> dict[str, int]:
    """Without those that no unit had."""
    return {outcome: units for outcome, units in outcomes.items() if units}
