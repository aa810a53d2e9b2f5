"""The Faust processor on real servers: requests and chunks arrive by Kafka, wrong messages do not stop it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from jobmonitor.contract.envelope import Event, decode, encode
from jobmonitor.contract.events import JobFailed, JobStopRequested, JobSubmitted
from jobmonitor.contract.topics import DEAD_LETTERS, jobs_topic, requests_topic, work_topic
from jobmonitor.job_types.protocol import RetryPolicy
from jobmonitor.ledger.transaction import LedgerTransaction
from jobmonitor.processor.worker import Worker
from support.engine import Engine, create_topics, read_records
from support.raw_batches import Raw, batch_of, send_batch
from support.waiting import until

REQUESTS, WORK = requests_topic("probe"), work_topic("probe")


@dataclass
class Processing:
    """A worker that runs, its engine, and the bugs that would have ended its process."""

    engine: Engine
    worker: Worker
    bugs: list[BaseException]

    async def submit(self, **parameters: Any) -> UUID:
        job_id = uuid4()
        data = JobSubmitted(account_id=1, owner_id=2, job_type="probe", parameters={"chunk_units": 2} | parameters)
        await self.engine.producer.send(REQUESTS, event(job_id, data))
        return job_id

    async def state(self, job_id: UUID) -> str | None:
        row = await self.engine.owner.fetchrow("SELECT state FROM ledger.runs WHERE job_id = $1", job_id)
        return None if row is None else str(row["state"])

    def reaches(self, job_id: UUID, state: str) -> Callable[[], Awaitable[bool]]:
        async def reached() -> bool:
            return await self.state(job_id) == state

        return reached

    async def failure(self, job_id: UUID) -> JobFailed:
        """The end of a job that fails. It leaves for Kafka a moment after it stands in the ledger."""

        async def told() -> JobFailed | None:
            facts = await self.engine.facts(job_id)
            return facts[-1] if facts and isinstance(facts[-1], JobFailed) else None

        return await until(told)


def event(job_id: UUID, data: Any) -> Event:
    return Event(id=str(uuid4()), source="/jobmonitor/test", job_id=job_id, time=datetime.now(UTC), data=data)


@pytest_asyncio.fixture
async def processing(engine: Engine, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Processing]:
    """With a parameter, settings that differ."""
    await create_topics(engine.bootstrap, DEAD_LETTERS)
    bugs: list[BaseException] = []

    def crash(bug: BaseException) -> NoReturn:
        """Stands for the end of the process: the stream that met the bug goes no further."""
        bugs.append(bug)
        raise asyncio.CancelledError

    worker = Worker(
        engine.probe,
        replace(engine.settings, **getattr(request, "param", {})),
        engine.ledger,
        engine.producer,
        engine.objects,
        data_folder=tmp_path / "faust",
        crash=crash,
    )
    (tmp_path / "faust").mkdir()
    await worker.start()
    try:
        yield Processing(engine, worker, bugs)
    finally:
        await worker.stop()


async def test_a_submission_published_to_kafka_runs_to_its_end(processing: Processing) -> None:
    job_id = await processing.submit(units=20, chunk_units=2)
    await until(processing.reaches(job_id, "completed"))
    assert await processing.engine.effects() == list(range(20))
    assert processing.worker.check().ok


async def test_parameters_that_break_the_schema_fail_the_job_and_name_the_field(processing: Processing) -> None:
    job_id = await processing.submit(units="many")
    failed = await processing.failure(job_id)
    assert failed.code == "bad_parameters"
    assert "units" in failed.reason


async def test_a_stop_published_to_kafka_cancels(processing: Processing) -> None:
    job_id = await processing.submit(units=4000, chunk_units=1)
    await until(processing.reaches(job_id, "running"))
    await processing.engine.producer.send(REQUESTS, event(job_id, JobStopRequested(account_id=1, requested_by=2)))
    await until(processing.reaches(job_id, "cancelled"))
    assert 0 < len(await processing.engine.effects()) < 4000


async def test_a_chunk_message_that_does_not_decode_is_kept_as_a_dead_letter_and_the_stream_goes_on(
    processing: Processing,
) -> None:
    marker = uuid4().hex.encode()
    producer = AIOKafkaProducer(bootstrap_servers=processing.engine.bootstrap)
    await producer.start()
    sent = await producer.send_and_wait(WORK, b"not json " + marker, key=b"k", headers=[("trace", b"t-1")], partition=0)
    await producer.stop()
    job_id = await processing.submit(units=4)
    await until(processing.reaches(job_id, "completed"))

    async def kept() -> Any:
        letters = await read_records(processing.engine.bootstrap, DEAD_LETTERS)
        return next((letter for letter in letters if marker in (letter.value or b"")), None)

    letter = await until(kept)
    assert (letter.key, letter.value) == (b"k", b"not json " + marker)
    headers = dict(letter.headers)
    assert headers["trace"] == b"t-1"
    assert headers["dead-letter-position"] == f"{WORK}/0/{sent.offset}".encode()
    assert headers["dead-letter-reason"]


async def test_a_poison_chunk_fails_its_job_and_its_message_is_kept(processing: Processing) -> None:
    processing.engine.probe.retries = RetryPolicy(tries_max=1)
    processing.engine.probe.failures = [OSError("away")]
    job_id = await processing.submit(units=4)
    failed = await processing.failure(job_id)
    assert (failed.code, failed.reason) == (
        "gave_up",
        "A part of the work was tried once and failed.",
    )
    letters = await read_records(processing.engine.bootstrap, DEAD_LETTERS)
    ours = [each for each in letters if each.key and each.key.startswith(str(job_id).encode())]
    # A letter that was not confirmed in time comes again: its position is what tells letters apart.
    (letter,) = {dict(each.headers)["dead-letter-position"]: each for each in ours}.values()
    headers = dict(letter.headers)
    assert decode(letter.value).job_id == job_id
    assert headers["dead-letter-topic"] == WORK.encode()
    assert str(job_id) in headers["dead-letter-reason"].decode()


async def test_a_worker_reads_requests_and_chunks_only_and_acknowledges_them_all(processing: Processing) -> None:
    job_id = await processing.submit(units=20, chunk_units=1)
    await until(processing.reaches(job_id, "completed"))
    consumer = AIOKafkaConsumer(
        bootstrap_servers=processing.engine.bootstrap, group_id="jobmonitor-processor-probe", enable_auto_commit=False
    )
    await consumer.start()
    partitions = [TopicPartition(REQUESTS, number) for number in range(4)]

    async def all_read() -> bool:
        ends = await consumer.end_offsets(partitions)
        committed = {partition: await consumer.committed(partition) or 0 for partition in partitions}
        return sum(ends.values()) > 0 and bool(committed == ends)

    try:
        await until(all_read)
        facts = [TopicPartition(jobs_topic("probe"), number) for number in range(4)]
        assert [await consumer.committed(partition) for partition in facts] == [None] * 4
    finally:
        await consumer.stop()


async def test_undecodable_requests_do_not_stop_the_stream(processing: Processing) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=processing.engine.bootstrap)
    await producer.start()
    for partition in range(4):
        await producer.send_and_wait(REQUESTS, b"\xff\xfe", partition=partition)
    await producer.stop()
    job_id = await processing.submit(units=4)
    await until(processing.reaches(job_id, "completed"))


async def test_a_bug_in_a_job_type_ends_nothing_but_its_job(processing: Processing) -> None:
    processing.engine.probe.retries = RetryPolicy(tries_max=2, pause_first_s=0.1)
    faulty = await processing.submit(units=2, bug_attempts=2)
    honest = await processing.submit(units=4)
    await until(processing.reaches(honest, "completed"))

    await processing.engine.mend_until(lambda: processing.state(faulty), "failed")
    told = await processing.failure(faulty)
    assert told.reason == (
        "A part of the work was tried 2 times and failed each time. This is a fault of the software."
    )
    assert processing.bugs == []
    assert await processing.engine.effects() == [0, 1, 2, 3]


async def test_a_bug_of_the_engine_ends_the_process_and_acknowledges_nothing(
    processing: Processing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LedgerTransaction, "finish_chunk", _divide_by_zero)
    job_id = await processing.submit(units=200)

    async def crashed() -> bool:
        return bool(processing.bugs)

    await until(crashed)
    assert isinstance(processing.bugs[0], ZeroDivisionError)
    assert await processing.state(job_id) == "running"
    assert await processing.engine.effects() == []


async def _divide_by_zero(*_: Any, **__: Any) -> None:
    raise ZeroDivisionError


async def test_a_database_that_is_gone_and_back_costs_only_time(processing: Processing, postgres: Any) -> None:
    job_id = await processing.submit(units=300, chunk_units=1)
    await until(processing.reaches(job_id, "running"))
    await asyncio.to_thread(postgres.stop)
    lost = await processing.submit(units=4)
    await asyncio.to_thread(postgres.start)
    await processing.engine.reconnect()
    await processing.engine.mend_until(lambda: processing.state(job_id), "completed")
    await processing.engine.mend_until(lambda: processing.state(lost), "completed")
    assert await processing.engine.effects() == sorted([*range(300), *range(4)])
    assert processing.bugs == []


async def test_what_a_transaction_took_back_is_not_done_and_its_marks_are_no_waiting_messages(
    processing: Processing,
) -> None:
    taken_back, kept = uuid4(), uuid4()
    data = JobSubmitted(account_id=1, owner_id=2, job_type="probe", parameters={"units": 2, "chunk_units": 2})
    bootstrap = processing.engine.bootstrap
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap, transactional_id=f"test-{kept}", transaction_timeout_ms=5000
    ) as producer:
        for job_id, commit in ((taken_back, False), (kept, True)):
            await producer.begin_transaction()
            await producer.send_and_wait(REQUESTS, encode(event(job_id, data)), key=b"k", partition=0)
            await (producer.commit_transaction() if commit else producer.abort_transaction())
    await until(processing.reaches(kept, "completed"))

    async def nothing_waits() -> bool:
        return ", 0 messages waiting" in processing.worker.check().detail

    await until(nothing_waits)
    assert await processing.state(taken_back) is None


async def test_a_header_whose_name_is_no_text_does_not_stop_the_reader(processing: Processing) -> None:
    odd = uuid4()
    data = JobSubmitted(account_id=1, owner_id=2, job_type="probe", parameters={"units": 2, "chunk_units": 2})
    message = Raw(str(odd).encode(), encode(event(odd, data)), [(b"\xc3\x28", b"x")])
    for partition in range(4):
        await send_batch(processing.engine.bootstrap, REQUESTS, partition, batch_of([message]))
    after = await processing.submit(units=4)

    await until(processing.reaches(odd, "completed"))
    await until(processing.reaches(after, "completed"))
    assert processing.worker.check().ok
