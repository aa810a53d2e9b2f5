"""Record batches of Kafka read so that none of them can stop a consumer: aiokafka 0.14.0 with one class replaced.

aiokafka raises where it cannot read a record, at every try, and what it had read of other partitions is lost with the
exception. The broker accepts more than aiokafka reads: a header's name that is not UTF-8, a batch of a few kilobytes
that unpacks to gigabytes. Disks do worse. Here every batch can be read:

- a header's name that is not UTF-8 is kept with its bytes escaped (``\\xc3``): the record is as good as any other;
- what cannot be read at all comes out as one *unreadable* record without key and value, whose only header gives the
  reason. Readers make a dead letter of its position.

``install`` replaces the class for every consumer of the process, Faust's too.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import Any, Protocol

import cramjam
from aiokafka import codec
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import DefaultRecord, DefaultRecordBatch
from aiokafka.record.util import decode_varint

TESTED = "0.14.0"
"""Of aiokafka. Raising it takes a run of tests/integration/test_unreadable_records.py with it."""
UNREADABLE = "jobmonitor-unreadable"
"""The header that says why nothing of a record could be read."""
UNPACKED_BYTES_MAX = 32 * 1024 * 1024
"""Of one batch. A batch has a megabyte at most where it is packed, and JSON packs to a tenth."""
USUAL_TIMES_LARGER = 64
"""JSON is seldom larger when it is unpacked."""

_HEADER = struct.Struct(">qiibIhiqqqhii")  # as in aiokafka.record.default_records
_LENGTH = struct.Struct(">i")
_ATTRIBUTES = struct.Struct(">h")
_LENGTH_AT, _MAGIC_AT, _ATTRIBUTES_AT = 8, 16, 21
_OVERHEAD = _LENGTH_AT + _LENGTH.size
_CODEC_MASK = 0x07
_GZIP, _SNAPPY, _LZ4, _ZSTD = 1, 2, 3, 4
_MOST_TIMES_LARGER = {_GZIP: 1032, _SNAPPY: 22, _LZ4: 255}
"""How many times as large as packed the content can be, by the codecs' formats; zstd has no such limit."""


class Unreadable(Exception):
    """Nothing of this batch, or of the rest of it, can be read; the text says why."""


class Read(Protocol):
    """What is asked of a record here."""

    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


def install() -> None:
    """Let every consumer of this process read all batches. Repeatable. Raises RuntimeError: another aiokafka."""
    if (found := version("aiokafka")) != TESTED:
        raise RuntimeError(f"Batches are read with aiokafka {TESTED} only; this is {found}. Install requirements.lock.")
    fetcher.MemoryRecords = Batches


def why_unreadable(record: Read) -> str | None:
    """The reason, of an unreadable record; None of any other."""
    if record.value is not None or len(record.headers) != 1:
        return None
    name, reason = record.headers[0]
    return (reason or b"").decode(errors="replace") if name == UNREADABLE else None


class Batches:
    """The batches of one fetched partition; stands in the place of aiokafka's ``MemoryRecords``."""

    def __init__(self, fetched: bytes) -> None:
        self._fetched = fetched
        self._at = 0

    def size_in_bytes(self) -> int:
        return len(self._fetched)

    def has_next(self) -> bool:
        """A batch that a fetch cut off is not there yet."""
        return self._end() <= len(self._fetched)

    def next_batch(self) -> "Batch":
        start, self._at = self._at, self._end()
        return Batch(bytes(self._fetched[start : self._at]))

    def _end(self) -> int:
        if self._at + _HEADER.size > len(self._fetched):
            return len(self._fetched) + 1
        (length,) = _LENGTH.unpack_from(self._fetched, self._at + _LENGTH_AT)
        return int(self._at + max(_OVERHEAD + length, _HEADER.size))


class Batch:
    """One batch; stands in the place of aiokafka's ``DefaultRecordBatch``, and raises nothing."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._batch = DefaultRecordBatch(packed)
        self.base_offset: int = self._batch.base_offset
        self.next_offset: int = max(self._batch.next_offset, self.base_offset + 1)
        self.producer_id: int = self._batch.producer_id
        self.is_transactional: bool = self._batch.is_transactional
        self.is_control_batch: bool = self._batch.is_control_batch

    def validate_crc(self) -> bool:
        """A wrong one is told when the records are read."""
        return True

    def __next__(self) -> Any:
        """The first record of a control batch, which only a broker writes."""
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._readable():
                yield record
                read += 1
        except Exception as error:  # whatever the library makes of wrong bytes
            yield from self._rest(read, error)

    def _readable(self) -> Any:
        """aiokafka's own batch, if it can be trusted. Raises Unreadable."""
        if self._packed[_MAGIC_AT] != 2:
            raise Unreadable(f"The batch is of format {self._packed[_MAGIC_AT]}; only 2 is known.")
        if not self._batch.validate_crc():
            raise Unreadable("The batch is damaged: its checksum is wrong.")
        if _may_be_too_large(self._packed):
            self._packed = _unpacked(self._packed)
            self._batch = DefaultRecordBatch(self._packed)
        return self._batch

    def _rest(self, read: int, error: Exception) -> Iterator[Any]:
        """What is behind the first records, which were ``read``, up to where nothing helps."""
        offset = self.base_offset + read
        if isinstance(error, Unreadable):
            yield self._unreadable(offset, error)
            return
        try:
            for record in _read_records(self._batch, _contents(self._packed), skip=read):
                offset = record.offset + 1
                yield record
        except Exception as reason:  # nothing more can be done for it
            yield self._unreadable(offset, reason)

    def _unreadable(self, offset: int, error: Exception) -> Any:
        reason, last = str(error) or repr(error), self.next_offset - 1
        if last > offset:
            reason += f" It holds the messages at {offset} to {last}."
        timestamp = self._batch.max_timestamp
        return DefaultRecord(offset, timestamp, 0, None, None, [(UNREADABLE, reason.encode(errors="replace"))])


def _codec(packed: bytes) -> int:
    return int(_ATTRIBUTES.unpack_from(packed, _ATTRIBUTES_AT)[0]) & _CODEC_MASK


def _may_be_too_large(packed: bytes) -> bool:
    kind = _codec(packed)
    times_larger = _MOST_TIMES_LARGER.get(kind)
    return kind == _ZSTD or (times_larger is not None and len(packed) * times_larger > UNPACKED_BYTES_MAX)


def _unpacked(packed: bytes) -> bytes:
    """The same batch without compression. Its checksum is wrong then."""
    contents = _contents(packed)
    plain = bytearray(packed[: _HEADER.size])
    attributes = _ATTRIBUTES.unpack_from(plain, _ATTRIBUTES_AT)[0] & ~_CODEC_MASK
    _ATTRIBUTES.pack_into(plain, _ATTRIBUTES_AT, attributes)
    return bytes(plain + contents)


def _contents(packed: bytes) -> bytearray:
    """The records' bytes. Raises Unreadable, and what the libraries raise."""
    kind, body = _codec(packed), packed[_HEADER.size :]
    if kind == 0:
        return bytearray(body)
    if kind == _SNAPPY:  # at most 22 times as large, and of a format of its own
        return _bounded(bytearray(codec.snappy_decode(body)))
    if kind == _GZIP:
        unpacking = zlib.decompressobj(wbits=31)
        return _bounded(bytearray(unpacking.decompress(body, UNPACKED_BYTES_MAX + 1)))
    if kind in (_LZ4, _ZSTD):
        return _unpack_into_bounds(cramjam.lz4 if kind == _LZ4 else cramjam.zstd, body)
    raise Unreadable(f"The batch is compressed in an unknown way ({kind}).")


def _unpack_into_bounds(library: Any, body: bytes) -> bytearray:
    """A small buffer first, as to allocate a large one takes milliseconds."""
    for size_max in (min(USUAL_TIMES_LARGER * len(body), UNPACKED_BYTES_MAX), UNPACKED_BYTES_MAX):
        contents = bytearray(size_max)
        try:
            size = library.decompress_into(body, contents)
        except cramjam.DecompressionError as error:
            failure = error
        else:
            return contents[:size]
    raise Unreadable(f"The batch is damaged, or unpacks to more than {UNPACKED_BYTES_MAX:,} bytes ({failure}).")


def _bounded(contents: bytearray) -> bytearray:
    if len(contents) > UNPACKED_BYTES_MAX:
        raise Unreadable(f"The batch unpacks to more than {UNPACKED_BYTES_MAX:,} bytes.")
    return contents


def _read_records(batch: Any, contents: bytearray, *, skip: int) -> Iterator[Any]:
    """The records after the first ``skip``. Raises Unreadable where not even their ends can be told."""
    end = 0
    for index in range(batch.next_offset - batch.base_offset):
        if end == len(contents):
            return
        length, start = decode_varint(contents, end)
        end = start + length
        if length < 0 or end > len(contents):
            raise Unreadable("The batch is damaged: a record has no end.")
        if index >= skip:
            yield _read_record(batch, contents[start:end])


def _read_record(batch: Any, record: bytearray) -> Any:
    """As aiokafka does, but for the names of headers: any bytes will do."""
    time_delta, at = decode_varint(record, 1)
    offset_delta, at = decode_varint(record, at)
    key, at = _field(record, at)
    value, at = _field(record, at)
    count, at = decode_varint(record, at)
    headers = []
    for _ in range(count):
        name, at = _field(record, at)
        text, at = _field(record, at)
        headers.append(((name or b"").decode(errors="backslashreplace"), text))
    timestamp = batch.max_timestamp if batch.timestamp_type else batch.first_timestamp + time_delta
    return DefaultRecord(batch.base_offset + offset_delta, timestamp, batch.timestamp_type, key, value, headers)


def _field(record: bytearray, at: int) -> tuple[bytes | None, int]:
    """Bytes after their length, which is -1 for nothing at all."""
    length, at = decode_varint(record, at)
    return (None, at) if length < 0 else (bytes(record[at : at + length]), at + length)
