"""What every installed job type does, ours and those of other packages, tried on the samples in its folder."""

import csv
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jsonschema_rs
import msgspec
import pytest
from python_calamine import CalamineWorkbook

from jobmonitor.contract.documents import parameters_schema
from jobmonitor.contract.events import JobCompleted, JobSubmitted, result_key
from jobmonitor.contract.topics import jobs_topic, requests_topic, view_topics, work_topic
from jobmonitor.crm import demo
from jobmonitor.database.pool import see_account
from jobmonitor.job_types.protocol import JobType, Refused
from jobmonitor.job_types.registry import built_in, installed, permissions
from jobmonitor.local.kafka import KafkaServer
from jobmonitor.runtime.objects import ObjectStore
from support.engine import Engine, create_topics, heard, open_engine, read_events
from support.every_type import ACCOUNT, SUPPORTERS, World, every_type, finely_cut, open_world, samples
from support.run_job_type import Ran, owner_of, run_job_type
from support.samples import Sample, samples_of
from support.schema_checks import problems
from support.servers import Database, Postgres


@pytest.fixture(scope="module")
async def demo_database(postgres: Postgres) -> AsyncIterator[Database]:
    """A small demo, to be copied."""
    database = postgres.fresh_database()
    await demo.fill(database.owner_url, SUPPORTERS, permissions())
    yield database
    postgres.drop(database)


@pytest.fixture
async def world(postgres: Postgres, demo_database: Database) -> AsyncIterator[World]:
    async with open_world(postgres, demo_database, ObjectStore("memory://")) as opened:
        yield opened


@every_type
def test_its_parameters_are_described(job_type: JobType[Any]) -> None:
    schema = parameters_schema(job_type.slug, job_type.title, job_type.params_type)
    jsonschema_rs.meta.validate(schema)
    for part in (schema, *schema.get("$defs", {}).values()):
        silent = [
            name for name, each in part["properties"].items() if not each.get("description") and "$ref" not in each
        ]
        assert (part["title"], silent) == (part["title"], [])
        assert part["description"]


@pytest.mark.parametrize("job_type", built_in(), ids=lambda job_type: job_type.slug)
def test_one_of_ours_brings_samples_of_every_kind(job_type: JobType[Any]) -> None:
    brought = samples_of(job_type)
    assert len({sample.name for sample in brought}) == len(brought)
    assert any(sample.empty for sample in brought)
    assert any(sample.single for sample in brought)
    assert any(sample.refused for sample in brought)
    assert any(sample.in_chaos for sample in brought)
    assert any(not sample.empty and not sample.refused for sample in brought)


@samples()
async def test_its_plan_is_the_same_twice_and_has_as_many_units_as_were_counted(
    job_type: JobType[Any], sample: Sample, world: World
) -> None:
    parameters = await world.parameters(job_type, sample)
    schema = parameters_schema(job_type.slug, job_type.title, job_type.params_type)
    assert problems(schema, parameters) == []
    params, job_id = msgspec.convert(parameters, job_type.params_type), uuid4()

    counted = await world.check(job_type, params)
    planned = await world.planned(finely_cut(job_type), params, job_id)

    assert planned == await world.planned(finely_cut(job_type), params, job_id)
    assert sum(chunk.units for chunk in planned) == counted
    assert all(chunk.units > 0 for chunk in planned)
    assert (counted == 0) == sample.empty


@samples()
async def test_the_file_is_the_same_however_the_work_is_cut_in_whatever_order_and_though_workers_die(
    job_type: JobType[Any], sample: Sample, postgres: Postgres, demo_database: Database
) -> None:
    found = []
    for cut, seed in ((job_type, None), (finely_cut(job_type), None), (finely_cut(job_type), 1)):
        async with open_world(postgres, demo_database, ObjectStore("memory://")) as world:
            found.append(await _run(cut, sample, world, seed))
    if job_type in built_in() and not sample.empty and not _is_one_row(sample):
        assert all(len(ran.units) > 1 for ran in found[1:]), "nothing was cut"
    whole, *cuts = [_came(ran, sample) for ran in found]
    assert cuts == [whole, whole]


@samples()
async def test_the_engine_brings_it_to_its_end_and_the_database_says_what_the_ledger_counted(
    job_type: JobType[Any],
    sample: Sample,
    kafka: KafkaServer,
    postgres: Postgres,
    demo_database: Database,
    tmp_path: Path,
) -> None:
    slug, job_id = job_type.slug, uuid4()
    async with (
        open_world(postgres, demo_database, ObjectStore(f"file://{tmp_path}")) as world,
        open_engine(world.database, kafka, tmp_path) as engine,
    ):
        await create_topics(engine.bootstrap, *view_topics(slug), work_topic(slug))
        engine.serve(finely_cut(job_type))
        parameters = await world.parameters(job_type, sample)
        wish = JobSubmitted(account_id=ACCOUNT, owner_id=owner_of(ACCOUNT), job_type=slug, parameters=parameters)
        await engine.acceptor.accept([heard(job_id, wish)])
        await engine.run_to_end(job_id)

        facts = [
            event.data for event in await read_events(engine.bootstrap, jobs_topic(slug)) if event.job_id == job_id
        ]
        last = facts[-1]
        assert isinstance(last, JobCompleted), last
        if sample.children:
            assert len(await _children(engine, job_id)) == sample.children
        assert (last.total == 0) == sample.empty
        assert sum(last.outcomes.values()) == last.total
        if last.result is not None:
            size_bytes = await engine.objects.size(result_key(ACCOUNT, job_id, last.result))
            assert size_bytes == last.result.size_bytes
        effects, counted = job_type.effects, {outcome: units for outcome, units in last.outcomes.items() if units}
        whole = msgspec.to_builtins(msgspec.convert(parameters, job_type.params_type))
        if effects is not None and whole.get(effects.switch, True):
            async with engine.owner.transaction():
                await see_account(engine.owner, ACCOUNT)
                rows = [row for row in await effects.statement.fetch(engine.owner) if row["job_id"] == job_id]
            assert {row["outcome"]: row["units"] for row in rows} == counted
            assert not any(row["doubled"] for row in rows)


async def _children(engine: Engine, job_id: UUID) -> list[UUID]:
    """The jobs that this one submitted."""
    topics = [requests_topic(each.slug) for each in installed()]
    await create_topics(engine.bootstrap, *topics)
    events = [event for topic in topics for event in await read_events(engine.bootstrap, topic)]
    return [each.job_id for each in events if getattr(each.data, "parent_job_id", None) == job_id]


@samples(refused=True)
async def test_a_refusal_names_a_parameter_that_there_is(job_type: JobType[Any], sample: Sample, world: World) -> None:
    params = msgspec.convert(await world.parameters(job_type, sample), job_type.params_type)
    with pytest.raises(Refused) as refused:
        await world.check(job_type, params)
    assert (refused.value.code, refused.value.kind) == (sample.refused, sample.refused_as)
    assert (refused.value.parameter or "").partition(".")[0] in {*job_type.params_type.__struct_encode_fields__, ""}


async def _run(job_type: JobType[Any], sample: Sample, world: World, seed: int | None) -> Ran:
    """What comes of a job. With a ``seed`` chunks run in a random order, if they may, and some are begun in vain."""
    parameters = await world.parameters(job_type, sample)
    return await run_job_type(job_type, parameters, world.pool, ACCOUNT, seed=seed, objects=world.objects)


def _is_one_row(sample: Sample) -> bool:
    """Of a file: one that is single by the account's supporters has many units here."""
    return sample.single and sample.file is not None


def _came(ran: Ran, sample: Sample) -> list[Any]:
    """What is to be the same however the work is cut."""
    assert len(ran.children) == sample.children
    return [ran.media_type, ran.extension, _rows(ran, sample), ran.outcomes, ran.rows, ran.rejected, ran.children]


def _rows(ran: Ran, sample: Sample) -> Any:
    """What the file says, without what varies."""
    if ran.extension == "xlsx":
        return CalamineWorkbook.from_filelike(io.BytesIO(ran.content)).get_sheet_by_index(0).to_python()
    if ran.extension != "csv":
        return ran.content
    return list(_without(csv.reader(io.StringIO(ran.text, newline="")), sample.varies))


def _without(rows: Iterator[list[str]], varies: list[str]) -> Iterator[list[str]]:
    headings = next(rows)
    kept = [place for place, heading in enumerate(headings) if heading not in varies]
    for row in (headings, *rows):
        yield [row[place] for place in kept]
