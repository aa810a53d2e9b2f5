"""The consumer everybody uses: it sees committed messages only, reads every batch, and bounds what it holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from jobmonitor.runtime import record_batches
from jobmonitor.runtime.kafka_client import client_options
from jobmonitor.runtime.settings import KafkaSettings

FETCH_BYTES_MAX = 16 * 1024 * 1024
"""Of one answer of the broker, as they travel. Packed they can be many times as much."""
FIRST_RECORDS = 16
"""So many are looked at before more are asked for: they tell how large these messages are. 16 MB at most."""
TAKEN_BYTES = 8 * 1024 * 1024

HEADERS_EVERY = 16
"""The headers of every sixteenth message are measured: neighbours are alike, and to measure all would cost a tenth."""

_ANY = TopicPartition("", 0)
Records = dict[TopicPartition, list[Any]]


def new_consumer(kafka: KafkaSettings, *topics: str, **settings: Any) -> AIOKafkaConsumer:
    """Not started yet. It commits nothing by itself, and what a producer's transaction took back does not exist for it.

    Raises SettingsError, and RuntimeError: aiokafka has another version than the tested one.
    """
    record_batches.install()
    ours = {"enable_auto_commit": False, "isolation_level": "read_committed", "fetch_max_bytes": FETCH_BYTES_MAX}
    return AIOKafkaConsumer(*topics, **(client_options(kafka) | ours | settings))


async def take(
    consumer: AIOKafkaConsumer,
    *partitions: TopicPartition,
    timeout_ms: int,
    records_max: int,
    bytes_max: int = TAKEN_BYTES,
) -> Records:
    """The next messages of these partitions, or of all; none if there are none within the time.

    It ends with the message that reaches ``bytes_max``, or a few of that size later. Raises KafkaError, and loses
    nothing by that.
    """
    few = min(FIRST_RECORDS, records_max)
    found: Records = await consumer.getmany(*partitions, timeout_ms=timeout_ms, max_records=few)
    count, size, largest = _measure(found)
    while 0 < count < records_max and size < bytes_max:
        wanted = min(records_max - count, max(1, (bytes_max - size) // largest))
        try:
            more: Records = await consumer.getmany(*partitions, timeout_ms=0, max_records=wanted)
        except KafkaError:
            return found  # it is raised again next time, when nothing else is at hand
        more_count = sum(map(len, more.values()))
        if not more_count:
            break
        for partition, records in more.items():
            found.setdefault(partition, []).extend(records)
        count += more_count
        if count < records_max:  # most often they are all there, and need not be measured
            _, more_size, more_largest = _measure(more)
            size, largest = size + more_size, max(largest, more_largest)
    return found


def leave_at_stop(consumer: AIOKafkaConsumer) -> None:
    """Let a consumer under a name of its own leave its group when it stops, as others do.

    aiokafka leaves it a member, in case it comes back: then nobody gets its partitions before the broker misses it.
    """
    coordinator = consumer._coordinator
    if hasattr(coordinator, "_group_instance_id"):
        coordinator._group_instance_id = None


def position_now(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int | None:
    """The offset after what was read of this partition; None if it is not ours, or not known yet.

    aiokafka's own ``position`` waits until it knows.
    """
    subscription = consumer._subscription.subscription
    assignment = subscription and subscription.assignment
    if not assignment or partition not in assignment.tps:
        return None
    state = assignment.state_value(partition)
    return int(state.position) if state.has_valid_position else None


def _measure(records: Mapping[TopicPartition, list[Any]]) -> tuple[int, int, int]:
    """How many, how many bytes in all, and of the largest; never 0, so that it can divide."""
    sizes = [1 + len(record.value or b"") for several in records.values() for record in several]
    headers = [_headers_bytes(record) for several in records.values() for record in several[::HEADERS_EVERY]]
    largest_headers = max(headers, default=0)
    return len(sizes), sum(sizes) + HEADERS_EVERY * sum(headers), max(sizes, default=1) + largest_headers


def size_bytes(records: Sequence[Any]) -> int:
    """About how much these messages hold; at least 1 for each."""
    return _measure({_ANY: list(records)})[1]


def _headers_bytes(record: Any) -> int:
    return sum(len(name) + len(text or b"") for name, text in record.headers)
