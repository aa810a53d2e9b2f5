"""Batches that aiokafka cannot read, or that unpack to gigabytes: neighbours are read, and nothing ends."""

from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from jobmonitor.contract.envelope import encode
from jobmonitor.runtime.consumer import new_consumer, size_bytes, take
from jobmonitor.runtime.record_batches import Batch, why_unreadable
from jobmonitor.runtime.settings import KafkaSettings
from support.job_events import ordinary_life
from support.projecting import Views
from support.raw_batches import GZIP, LZ4, SNAPPY, ZSTD, Raw, batch_of, send_batch, with_checksum

NOT_UTF8 = b"\xc3\x28"
ALL_CODECS = [0, GZIP, SNAPPY, LZ4, ZSTD]


@pytest.mark.parametrize("codec", ALL_CODECS)
def test_a_batch_is_read_whatever_its_compression(codec: int) -> None:
    records = list(Batch(batch_of([Raw(b"k", b"x" * 5000, [(b"name", None)])] * 3, codec=codec)))
    assert [(record.offset, record.key, len(record.value)) for record in records] == [
        (number, b"k", 5000) for number in range(3)
    ]
    assert records[0].headers == [("name", None)]


@pytest.mark.parametrize("codec", ALL_CODECS[1:])
def test_a_batch_that_unpacks_to_too_much_is_one_unreadable_record(codec: int) -> None:
    (record,) = list(Batch(batch_of([Raw(b"k", b"x" * 1_000_000)] * 50, codec=codec)))
    assert "unpacks to more than" in (why_unreadable(record) or "")
    assert "0 to 49" in (why_unreadable(record) or "")


def test_the_name_of_a_header_may_be_any_bytes() -> None:
    batch = batch_of([Raw(b"a", b"1"), Raw(b"b", b"2", [(NOT_UTF8, b"text")]), Raw(b"c", b"3")])
    records = list(Batch(batch))
    assert [(record.offset, record.value) for record in records] == [(0, b"1"), (1, b"2"), (2, b"3")]
    assert records[1].headers == [("\\xc3(", b"text")]


@pytest.mark.parametrize("at", range(0, 120, 3))
def test_whatever_byte_of_a_batch_is_wrong_reading_it_raises_nothing(at: int) -> None:
    """With a right checksum, as if somebody had written it so."""
    batch = bytearray(batch_of([Raw(b"key", b"value", [(b"name", b"text")])] * 3))
    if at in range(8, 21):
        return  # length, epoch, format and checksum: the broker would not keep it
    batch[at % len(batch)] ^= 0xFF
    assert len(list(Batch(with_checksum(batch)))) >= 1


def test_a_damaged_batch_says_so_once() -> None:
    batch = bytearray(batch_of([Raw(b"key", b"value")] * 3))
    batch[-1] ^= 0xFF
    (record,) = list(Batch(bytes(batch)))
    assert "checksum" in (why_unreadable(record) or "")


async def test_a_job_whose_message_has_such_a_header_is_seen_and_so_are_its_neighbours(views: Views) -> None:
    first, odd, last = (ordinary_life(views.job()) for _ in range(3))
    messages = [
        Raw(str(event.job_id).encode(), encode(event), [(NOT_UTF8, b"x")] if event.job_id == odd[0].job_id else [])
        for life in (first, odd, last)
        for event in life[1:]
    ]
    messages.insert(5, Raw(b"k", b"{", [(NOT_UTF8, b"x")]))
    async with views.projecting():
        await views.publish([life[0] for life in (first, odd, last)])
        await send_batch(views.bootstrap, views.topic, 0, batch_of(messages))
        await views.publish(ordinary_life(views.job()))
        await views.caught_up()

    rows = await views.fetch("SELECT state FROM projection.job_history")
    assert [row["state"] for row in rows] == ["completed"] * 4
    (letter,) = await views.dead_letters()
    assert (letter["offset"], letter["value"], letter["headers"]) == ("5", b"{", {"\\xc3(": b"x"})


async def test_a_batch_of_a_few_kilobytes_that_unpacks_to_gigabytes_is_one_dead_letter(views: Views) -> None:
    bomb = batch_of([Raw(b"k", b"\x00" * 900_000)] * 200, codec=ZSTD)
    assert len(bomb) < 100_000
    async with views.projecting():
        for _ in range(3):
            await send_batch(views.bootstrap, views.topic, 0, bomb)
        await views.publish([event for _ in range(8) for event in ordinary_life(views.job())])
        await views.caught_up()

    assert len(await views.fetch("SELECT FROM projection.job_history")) == 8
    letters = await views.dead_letters()
    assert sorted(letter["offset"] for letter in letters) == ["0", "200", "400"]
    assert all("unpacks to more than" in letter["reason"] and "omitted" in letter for letter in letters)


async def test_large_messages_are_taken_a_few_at_a_time(views: Views) -> None:
    """Packed they are small, and a fetch has all of them: only so many bytes are held at once."""
    for _ in range(10):
        await send_batch(views.bootstrap, views.topic, 0, batch_of([Raw(b"k", b"y" * 900_000)] * 20, codec=LZ4))
    consumer = new_consumer(KafkaSettings(kafka_bootstrap=views.bootstrap), auto_offset_reset="earliest")
    await consumer.start()
    partition = TopicPartition(views.topic, 0)
    consumer.assign([partition])
    taken: list[list[Any]] = []
    while sum(len(records) for records in taken) < 200:
        taken += (await take(consumer, partition, timeout_ms=5000, records_max=1000)).values()
    await consumer.stop()

    assert [record.offset for records in taken for record in records] == list(range(200))
    assert max(map(size_bytes, taken)) <= 16 * 900_100


async def test_what_a_transaction_took_back_never_happened_and_its_marks_are_not_waited_for(views: Views) -> None:
    kept, taken_back = views.job(), views.job()
    producer = AIOKafkaProducer(
        bootstrap_servers=views.bootstrap, transactional_id=f"test-{views.topic}", transaction_timeout_ms=5000
    )
    await producer.start()
    async with views.projecting() as projector:
        for job, commit in ((taken_back, False), (kept, True), (taken_back, False)):
            await producer.begin_transaction()
            for topic, event in ((views.requests, job.submitted()), (views.topic, job.queued())):
                await producer.send_and_wait(topic, encode(event), key=b"k", partition=0)
            await (producer.commit_transaction() if commit else producer.abort_transaction())
        assert (await views.folded(kept.job_id, sequence=1))["state"] == "queued"
        await views.folded_to_the_end()
        positions = projector.positions
    await producer.stop()

    assert await views.row(taken_back.job_id) is None
    assert await views.dead_letters() == []
    assert {position.next_offset for partition, position in positions.items() if partition.partition == 0} == {6}
