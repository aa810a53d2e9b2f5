"""The outbox on real servers: what cannot be sent holds up nothing else, and is seen."""

import os
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from jobmonitor.contract.events import JobCompleted, JobFailed, JobQueued
from jobmonitor.contract.topics import MESSAGE_BYTES_MAX, jobs_topic
from jobmonitor.job.commands import StartJob
from jobmonitor.ledger.transaction import MessageTooLarge
from support.engine import Engine, create_topics, read_records
from support.waiting import until

AT_ONCE = timedelta(0)
NO_PAUSE = "UPDATE ledger.outbox SET send_after = now() - interval '1 s'"


async def leave(engine: Engine, *messages: tuple[str, UUID, bytes], minutes_ago: int = 60) -> None:
    """Messages of one transaction, whose process died before it could send them."""
    columns = zip(*[(topic, str(job_id).encode(), value, "test") for topic, job_id, value in messages], strict=True)
    await engine.owner.execute(
        "INSERT INTO ledger.outbox (topics, keys, values, types, send_after) "
        "VALUES ($1, $2, $3, $4, now() - $5::interval)",
        *map(list, columns),
        timedelta(minutes=minutes_ago),
    )


async def send(engine: Engine) -> int:
    return await engine.ledger.send_leftovers(engine.producer, older_than=AT_ONCE)


async def waiting(engine: Engine) -> list[tuple[int, str | None]]:
    """Of each row that waits, how often it was tried and why Kafka does not take it."""
    rows = await engine.owner.fetch("SELECT attempts, refusal FROM ledger.outbox ORDER BY id")
    return [(row["attempts"], row["refusal"]) for row in rows]


async def until_waiting(engine: Engine, attempts: list[int]) -> None:
    """What was sent is deleted a moment later; these stay."""

    async def only_these() -> bool:
        return [each for each, _ in await waiting(engine)] == attempts

    await until(only_these)


async def came(engine: Engine, value: bytes) -> int:
    return sum(record.value == value for record in await read_records(engine.bootstrap, jobs_topic("probe")))


async def test_rows_that_cannot_be_sent_stand_in_front_and_others_facts_arrive(engine: Engine) -> None:
    for _ in range(60):  # more than are sent together
        await leave(engine, ("test-no-such-topic", uuid4(), b"x"), (jobs_topic("probe"), uuid4(), os.urandom(2**20)))
    other = uuid4().bytes
    await leave(engine, (jobs_topic("probe"), uuid4(), other), minutes_ago=1)
    await send(engine)
    assert await came(engine, other) == 0
    assert await send(engine) == 1
    assert await came(engine, other) == 1
    assert len(await waiting(engine)) == 120, "nothing is lost"
    assert await send(engine) == 0, "they wait for a while before they are tried again"


async def test_of_a_transactions_messages_only_the_culprit_stays(engine: Engine) -> None:
    before, after = uuid4().bytes, uuid4().bytes
    topic = jobs_topic("probe")
    large = (topic, uuid4(), os.urandom(MESSAGE_BYTES_MAX))
    await leave(engine, (topic, uuid4(), before), large, (topic, uuid4(), after))
    assert await send(engine) == 2
    assert (await came(engine, before), await came(engine, after)) == (1, 1)
    [(attempts, refusal)] = await waiting(engine)
    assert attempts == 1
    assert refusal is not None
    assert "1,048,612 bytes" in refusal
    await engine.owner.execute(NO_PAUSE)
    assert await send(engine) == 0
    assert [attempts for attempts, _ in await waiting(engine)] == [2]


async def test_what_a_topic_was_missing_for_goes_out_once_it_is_there(engine: Engine) -> None:
    topic = f"test-{uuid4().hex}"
    await leave(engine, (topic, uuid4(), b"late"))
    assert await send(engine) == 0
    assert await waiting(engine) == [(1, f"There is no topic {topic}, or no right to see it.")]
    await create_topics(engine.bootstrap, topic)
    await engine.owner.execute(NO_PAUSE)
    assert await send(engine) == 1
    assert [record.value for record in await read_records(engine.bootstrap, topic)] == [b"late"]


async def limit(engine: Engine, topic: str, size: int) -> None:
    """As an operator may have set it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=engine.bootstrap)
    await admin.start()
    try:
        configs = {"max.message.bytes": str(size)}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs)])
    finally:
        await admin.close()


async def test_a_job_of_which_a_fact_cannot_be_sent_fails_and_the_others_go_on(engine: Engine) -> None:
    """Where the broker's limit lies beneath ours, a fact is committed that cannot get out."""
    await limit(engine, jobs_topic("probe"), 2000)
    try:
        engine.probe.unit = os.urandom(4000).hex()
        large = await engine.submit(units=1)
        await engine.runner.run(large, 0)
        engine.probe.unit = "units"
        small = await engine.submit(units=1)
        await engine.run_to_end(small)
        await engine.owner.execute(NO_PAUSE)
        await send(engine)
    finally:
        await limit(engine, jobs_topic("probe"), MESSAGE_BYTES_MAX)
    assert isinstance((await engine.facts(small))[-1], JobCompleted)
    assert [type(fact) for fact in await engine.facts(large)] == [JobQueued, JobFailed]
    await until_waiting(engine, [1])  # the fact itself is kept


async def test_a_fact_no_message_can_hold_fails_its_job_alone(engine: Engine) -> None:
    engine.probe.unit = "x" * MESSAGE_BYTES_MAX
    large = await engine.submit(units=1)
    await engine.run_to_end(large)
    engine.probe.unit = "units"
    small = await engine.submit(units=1)
    await engine.run_to_end(small)
    failed = (await engine.facts(large))[-1]
    assert isinstance(failed, JobFailed)
    assert failed.code == "message_too_large"
    assert len(failed.reason) < 200
    assert isinstance((await engine.facts(small))[-1], JobCompleted)
    await until_waiting(engine, [])


async def test_nothing_too_large_gets_into_the_outbox(engine: Engine) -> None:
    job_id = await engine.submit(units=1)
    with pytest.raises(MessageTooLarge, match=f"job_started.v1 of job {job_id} has 1,0"):
        async with engine.ledger.transaction() as ledger:
            ledger.apply(await ledger.lock(job_id), StartJob(total=1, unit="x" * MESSAGE_BYTES_MAX))
    assert (await engine.run(job_id))["state"] == "queued"
