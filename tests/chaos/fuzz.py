"""Thousands of damaged messages against a stack that is up, while an honest producer's small jobs go on.

Afterwards every process stands, everything that can be read is read, each undecodable message of requests and facts is
a dead letter, and nobody's job has waited: ``LONGEST_WAIT_S`` at most.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
from aiokafka import TopicPartition

from chaos.mutations import mutated
from jobmonitor.checker import CheckSettings, CouldNotLook, check
from jobmonitor.contract.envelope import Event, Undecodable, decode
from jobmonitor.contract.events import JobSubmitted
from jobmonitor.contract.topics import DEAD_LETTERS, catalogue, requests_topic
from jobmonitor.dead_letters.kept import KeptLetters
from jobmonitor.job_types.registry import slugs
from jobmonitor.local.postgres import SUPERUSER
from jobmonitor.local.stack import DATABASE, Stack
from jobmonitor.runtime.consumer import new_consumer, take
from jobmonitor.runtime.kafka import Producer
from support.brokers import broker_at
from support.raw_batches import GZIP, LZ4, SNAPPY, ZSTD, Raw, batch_of, send_batch

MESSAGES = 20_000
BATCH_MESSAGES = 20
LONGEST_WAIT_S = 5.0
CALM_WITHIN_S = 120.0
POLL_S = 0.05
PAUSE_S = 0.5
"""Between two honest jobs."""
ACCOUNT_ID, OWNER_ID = 1, 3
TOPICS = catalogue(slugs(with_probe=False))
GOLDENS = Path(__file__).parents[2] / "schemas" / "examples"
JOB_STATE = """
SELECT state FROM projection.job_monitor WHERE job_id = $1
UNION ALL SELECT state FROM projection.job_history WHERE job_id = $1
"""
FOLDED = "SELECT topic, partition, next_offset FROM projection.offsets"
CODECS = (0, GZIP, SNAPPY, LZ4, ZSTD)

Say = Callable[[str], None]


@dataclass
class Fuzzed:
    """What a run came to."""

    sent: int = 0
    refused: int = 0
    """Batches the broker itself did not take."""
    honest: list[float] = field(default_factory=list)
    """How long each honest job took, in seconds."""
    letters: int = 0
    breaches: list[str] = field(default_factory=list)


async def run_fuzz(stack: Stack, folder: Path, seed: int, messages: int, say: Say) -> Fuzzed:
    """Send the messages, wait until they are read, look. Does not stop the stack."""
    fuzzed, done = Fuzzed(), asyncio.Event()
    honest = asyncio.create_task(_honest(stack, fuzzed, done))
    await _send_all(stack.kafka.bootstrap, seed, messages, fuzzed, say)
    say(f"{fuzzed.sent:,} damaged messages are sent: waiting until they are read.")
    await _until_read(stack, fuzzed)
    done.set()
    await honest
    await _judge(stack, folder, fuzzed)
    return fuzzed


async def _send_all(bootstrap: str, seed: int, messages: int, fuzzed: Fuzzed, say: Say) -> None:
    goldens = [path.read_bytes() for path in sorted(GOLDENS.glob("*.json"))]
    topics = [(topic.name, topic.partitions) for topic in TOPICS]
    stream = mutated(goldens, topics, seed)
    while fuzzed.sent < messages:
        some = list(islice(stream, 10 * BATCH_MESSAGES))
        for topic, partition in sorted({(each.topic, each.partition) for each in some}):
            mine = [each.message for each in some if (each.topic, each.partition) == (topic, partition)]
            await _send(bootstrap, topic, partition, mine, CODECS[fuzzed.sent % len(CODECS)], fuzzed)
        if fuzzed.sent // 2000 != (fuzzed.sent - len(some)) // 2000:
            say(f"{fuzzed.sent:,} sent")


async def _send(
    bootstrap: str, topic: str, partition: int, messages: Sequence[Raw], codec: int, fuzzed: Fuzzed
) -> None:
    """In one batch, compressed where the headers' names allow it; in halves where the broker finds it too large."""
    has_odd_names = any(name == b"\xc3\x28" for message in messages for name, _ in message.headers)
    try:
        await send_batch(bootstrap, topic, partition, batch_of(messages, codec=0 if has_odd_names else codec))
    except Exception:  # whatever the broker says of it
        if len(messages) > 1:
            middle = len(messages) // 2
            await _send(bootstrap, topic, partition, messages[:middle], codec, fuzzed)
            await _send(bootstrap, topic, partition, messages[middle:], codec, fuzzed)
            return
        fuzzed.refused += 1
    fuzzed.sent += len(messages)


async def _honest(stack: Stack, fuzzed: Fuzzed, done: asyncio.Event) -> None:
    """Small jobs one after the other; how long each takes from the submission to its end in the view."""
    producer = Producer(broker_at(stack.kafka.bootstrap))
    await producer.start()
    connection = await asyncpg.connect(stack.postgres.url(SUPERUSER, database=DATABASE))
    try:
        while not done.is_set():
            fuzzed.honest.append(await _one_job(producer, connection))
            await asyncio.sleep(PAUSE_S)
    finally:
        await connection.close()
        await producer.stop()


async def _one_job(producer: Producer, connection: Any) -> float:
    """Seconds until the view shows its end; ``CALM_WITHIN_S`` where it does not."""
    job_id, began_s = uuid4(), time.monotonic()
    data = JobSubmitted(
        account_id=ACCOUNT_ID, owner_id=OWNER_ID, job_type="probe", parameters={"units": 2, "chunk_units": 2}
    )
    event = Event(id=str(uuid4()), source="/jobmonitor/chaos", job_id=job_id, time=datetime.now(UTC), data=data)
    await producer.send(requests_topic("probe"), event)
    while time.monotonic() - began_s < CALM_WITHIN_S:
        if await connection.fetchval(JOB_STATE, job_id) == "completed":
            break
        await asyncio.sleep(POLL_S)
    return time.monotonic() - began_s


async def _until_read(stack: Stack, fuzzed: Fuzzed) -> None:
    """Until the projection has folded all requests and facts."""
    connection = await asyncpg.connect(stack.postgres.url(SUPERUSER, database=DATABASE))
    ends = {name: end for name, end in (await _ends(stack)).items() if name[0].startswith(("requests.", "jobs."))}
    ends_at = time.monotonic() + CALM_WITHIN_S
    try:
        while time.monotonic() < ends_at:
            folded = {(row["topic"], row["partition"]): row["next_offset"] for row in await connection.fetch(FOLDED)}
            if all(folded.get(name, 0) >= end for name, end in ends.items()):
                return
            await asyncio.sleep(PAUSE_S)
        fuzzed.breaches.append(f"not everything was folded {CALM_WITHIN_S:g} s after the last message")
    finally:
        await connection.close()


async def _ends(stack: Stack) -> dict[tuple[str, int], int]:
    consumer = new_consumer(broker_at(stack.kafka.bootstrap))
    await consumer.start()
    try:
        named = [TopicPartition(topic.name, number) for topic in TOPICS for number in range(topic.partitions)]
        return {tuple(partition): end for partition, end in (await consumer.end_offsets(named)).items()}
    finally:
        await consumer.stop()


async def _judge(stack: Stack, folder: Path, fuzzed: Fuzzed) -> None:
    longest_s = max(fuzzed.honest, default=0.0)
    if longest_s > LONGEST_WAIT_S:
        fuzzed.breaches.append(f"an honest job took {longest_s:.1f} s")
    letters = await _letters(stack)
    fuzzed.letters = len(letters)
    if missing := await _undecodable(stack) - letters:
        fuzzed.breaches.append(f"{len(missing)} undecodable messages are no dead letters: {sorted(missing)[:3]}")
    restarts = [line for line in (folder / "supervisor.log").read_text().splitlines() if "starting it again" in line]
    if restarts:
        fuzzed.breaches.append(f"{len(restarts)} times a process ended: {restarts[0]}")
    settings = CheckSettings(
        owner_url=stack.owner_url,
        kafka=broker_at(stack.kafka.bootstrap),
        object_store_url=(folder / "objects").as_uri(),
    )
    try:
        await check(settings)
    except CouldNotLook as error:
        fuzzed.breaches.append(f"the check could not look: {error}")


async def _letters(stack: Stack) -> set[str]:
    kept = KeptLetters()
    await _read(stack, [DEAD_LETTERS], lambda record: kept.add([record]))
    return {letter.position for letter in kept.newest_first()}


async def _undecodable(stack: Stack) -> set[str]:
    """The places of messages on the topics of requests and facts that no reader can decode.

    Some 980 levels deep it depends on the reader's own calls whether Python's recursion limit is met: such a message is
    a dead letter or a failed job, and not judged.
    """
    found = set()

    def look(record: Any) -> None:
        try:
            decode(record.value)
        except Undecodable as error:
            if not isinstance(error.__cause__, RecursionError):
                found.add(f"{record.topic}/{record.partition}/{record.offset}")

    await _read(stack, [topic.name for topic in TOPICS if topic.name.startswith(("requests.", "jobs."))], look)
    return found


async def _read(stack: Stack, topics: Sequence[str], look: Callable[[Any], None]) -> None:
    consumer = new_consumer(broker_at(stack.kafka.bootstrap))
    await consumer.start()
    try:
        named = [
            TopicPartition(topic.name, n) for topic in TOPICS if topic.name in topics for n in range(topic.partitions)
        ]
        ends = await consumer.end_offsets(named)
        consumer.assign(named)
        await consumer.seek_to_beginning(*named)
        while any([await consumer.position(partition) < end for partition, end in ends.items()]):
            for records in (await take(consumer, timeout_ms=1000, records_max=1000)).values():
                for record in records:
                    look(record)
    finally:
        await consumer.stop()


def in_words(fuzzed: Fuzzed, seed: int) -> str:
    """The last lines of a run."""
    longest_s = max(fuzzed.honest, default=0.0)
    lines = [
        f"fuzz: {fuzzed.sent:,} damaged messages, {fuzzed.refused:,} refused; {fuzzed.letters:,} dead letters",
        f"fuzz: {len(fuzzed.honest):,} honest jobs, the longest took {longest_s:.2f} s",
        *(f"fuzz: {breach}" for breach in fuzzed.breaches),
        f"fuzz: {'BROKEN' if fuzzed.breaches else 'held'} - seed {seed}",
    ]
    return "\n".join(lines)
