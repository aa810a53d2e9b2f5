"""Batches of Kafka as no client of ours would write them, and as the broker accepts them all the same."""

import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

CRC_AT, CRC_FROM = 17, 21
GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4


class Raw(NamedTuple):
    """One message; the names of its headers are any bytes."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[bytes, bytes | None]] = ()


def batch_of(messages: Sequence[Raw], *, codec: int = 0) -> bytes:
    """These messages in one batch. Names of headers that are not UTF-8 only in batches that are not compressed."""
    builder = DefaultRecordBatchBuilder(2, codec, 0, -1, -1, -1, 1 << 30)
    written: dict[bytes, bytes] = {}
    for offset, message in enumerate(messages):
        headers = []
        for name, text in message.headers:
            stand_in = name if not _is_wrong(name) else chr(65 + len(written) % 26).encode() * len(name)
            written[stand_in] = name
            headers.append((stand_in.decode(), text))
        builder.append(offset, None, message.key, message.value, headers)
    batch = bytes(builder.build())
    for stand_in, name in written.items():
        batch = batch if stand_in == name else batch.replace(stand_in, name)
    return with_checksum(batch)


def _is_wrong(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return True
    return False


def with_checksum(batch: bytes | bytearray) -> bytes:
    """The same with the right checksum."""
    fixed = bytearray(batch)
    struct.pack_into(">I", fixed, CRC_AT, calc_crc32c(bytes(fixed[CRC_FROM:])))
    return bytes(fixed)


class _Prebuilt:
    """Stands in the place of aiokafka's builder."""

    def __init__(self, batch: bytes) -> None:
        self._batch = batch

    def build(self) -> bytearray:
        return bytearray(self._batch)

    def size(self) -> int:
        return len(self._batch)


async def send_batch(bootstrap: str, topic: str, partition: int, batch: bytes) -> Any:
    """Let the broker have this batch as it is; it gives the offsets."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        builder = producer.create_batch()
        builder.append(key=b"", value=b"", timestamp=None)
        builder.close()
        builder._builder = _Prebuilt(batch)
        return await (await producer.send_batch(builder, topic, partition=partition))
    finally:
        await producer.stop()
