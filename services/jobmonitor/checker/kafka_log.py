"""Reads the log from its beginning to where it ends when the reading starts, partition by partition."""

from collections.abc import Callable, Collection

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from jobmonitor.checker.report import CouldNotLook
from jobmonitor.contract.envelope import Undecodable, decode
from jobmonitor.contract.topics import DEAD_LETTERS
from jobmonitor.runtime.dead_letters import PREFIX

REQUEST_TIMEOUT_S = 10.0
POLL_MS = 1000
SILENT_POLLS_MAX = 20
"""So often in a row nothing may come before the broker counts as away."""
BATCH_MESSAGES = 5000

TakeMessage = Callable[[str, int, int, bytes | None], None]
"""Takes topic, partition, offset and value."""


class LogReader:
    """A consumer of its own, in no group: nobody notices it."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> "LogReader":
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            auto_offset_reset="none",
            request_timeout_ms=int(REQUEST_TIMEOUT_S * 1000),
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )
        try:
            await self._consumer.start()
        except (KafkaError, OSError, TimeoutError) as error:
            await self._consumer.stop()
            raise CouldNotLook(f"Kafka at {self._bootstrap} does not answer ({error}).") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.consumer.stop()

    @property
    def consumer(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise RuntimeError("Open the reader first.")
        return self._consumer

    async def read(self, topics: Collection[str], take: TakeMessage) -> dict[tuple[str, int], int]:
        """Hand over every message of these topics; a topic that is not there is empty. Returns where each ends.

        Raises CouldNotLook: the broker is away, or has thrown the beginning of the log away.
        """
        try:
            partitions = await self._partitions(topics)
            if not partitions:
                return {}
            begins = await self.consumer.beginning_offsets(partitions)
            ends = await self.consumer.end_offsets(partitions)
            self._must_be_whole(begins)
            for partition in partitions:
                await self._read_partition(partition, ends[partition], take)
        except (KafkaError, OSError, TimeoutError) as error:
            raise CouldNotLook(f"The log cannot be read to its end ({error}).") from error
        return {(partition.topic, partition.partition): end for partition, end in ends.items()}

    async def jobs_given_up(self) -> set[str]:
        """The ids of the jobs with a message of the work topics among the dead letters. Raises CouldNotLook."""
        found: set[str] = set()
        partitions = await self._partitions([DEAD_LETTERS])
        if not partitions:
            return found
        begins = await self.consumer.beginning_offsets(partitions)
        ends = await self.consumer.end_offsets(partitions)
        for partition in partitions:
            self.consumer.assign([partition])
            self.consumer.seek(partition, begins[partition])
            async for record in self._records(partition, ends[partition]):
                headers = dict(record.headers)
                if headers.get(f"{PREFIX}topic", b"").startswith(b"work."):
                    found |= _job_of(record.value)
        return found

    async def _partitions(self, topics: Collection[str]) -> list[TopicPartition]:
        """Sorted, so that a reading can be repeated."""
        metadata = await self.consumer._client.fetch_all_metadata()
        there = {topic: metadata.partitions_for_topic(topic) or set() for topic in topics}
        return [TopicPartition(topic, number) for topic in sorted(there) for number in sorted(there[topic])]

    def _must_be_whole(self, begins: dict[TopicPartition, int]) -> None:
        for partition, begin in begins.items():
            if begin > 0:
                name = f"{partition.topic}/{partition.partition}"
                raise CouldNotLook(f"The log of {name} begins at offset {begin}; only a whole log can be checked.")

    async def _read_partition(self, partition: TopicPartition, end: int, take: TakeMessage) -> None:
        self.consumer.assign([partition])
        self.consumer.seek(partition, 0)
        async for record in self._records(partition, end):
            take(record.topic, record.partition, record.offset, record.value)

    async def _records(self, partition: TopicPartition, end: int):  # type: ignore[no-untyped-def]  # aiokafka has no types
        silent = 0
        while await self.consumer.position(partition) < end:
            batches = await self.consumer.getmany(partition, timeout_ms=POLL_MS, max_records=BATCH_MESSAGES)
            silent = 0 if batches else silent + 1
            if silent > SILENT_POLLS_MAX:
                raise TimeoutError("nothing comes")
            for records in batches.values():
                for record in records:
                    if record.offset < end:
                        yield record


def _job_of(value: bytes | None) -> set[str]:
    try:
        return {str(decode(value).job_id)}
    except Undecodable:
        return set()
