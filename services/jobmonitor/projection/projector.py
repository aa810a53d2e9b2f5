"""Follows the requests and the facts and folds what it reads into the views, in batches, until it is told to stop.

Kafka's group decides which process follows which partitions; where to go on stands in the database, so nothing that
Kafka delivers twice or out of turn can do harm: messages of a partition that is not claimed are dropped, and a claim
begins by going back to the first message not yet folded. The offsets committed to Kafka are for lag tools only.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from jobmonitor.projection import metrics
from jobmonitor.projection.batch import Batch, Changes, Message
from jobmonitor.projection.settings import ProjectionSettings
from jobmonitor.projection.store import Fenced, Partition, Place, Store
from jobmonitor.projection.window import Window
from jobmonitor.runtime.failures import backoff_s, is_temporary
from jobmonitor.runtime.kafka_client import client_options

POLL_MS = 250
"""How long to wait for messages before looking around: for a stop, for newly assigned partitions."""
FULL_POLL_MS = 20
"""The same while there is no room for some partitions: there may be soon."""
READ_MOST = 1000
"""Messages decoded in one go: a flush under way waits so long for its next step, some 4 ms."""
TELL_EVERY_S = 1.0
TELL_TIMEOUT_S = 2.0
FLUSH_TIMEOUT_S = 30.0
BACKOFF_MOST_S = 5.0
CALM_S = 60.0
"""A membership that lasted so long was a good one: after it the pauses begin short again."""

log = structlog.stdlib.get_logger()
Answer = TypeVar("Answer")


class Stopped(Exception):
    """The projector was asked to stop while it waited for something to come back."""


class Projector(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    """One member of the projection's consumer group."""

    def __init__(
        self, settings: ProjectionSettings, store: Store, *, batch_folded: Callable[[Collection[Partition]], None]
    ) -> None:
        """``batch_folded`` is called with its partitions after each batch that is in the views."""
        self._settings = settings
        self._store = store
        self._batch_folded = batch_folded
        self._stopping = asyncio.Event()
        self._consumer: AIOKafkaConsumer | None = None
        self._unclaimed: set[Partition] = set()
        self._claimed: dict[Partition, Place] = {}
        self._window = Window(self._fold, most=settings.projection_batch_events)
        self._told: dict[TopicPartition, int] = {}
        self._told_at = 0.0
        self.joined = False
        """Whether the group has told us our share, which may be nothing."""
        self.flushed_at: float | None = None
        """``time.monotonic`` of the last batch; None before the first."""

    @property
    def places(self) -> dict[Partition, Place]:
        """Where the partitions stand that this process folds now."""
        return dict(self._claimed)

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        """The consumer while there is one."""
        return self._consumer

    def stop(self) -> None:
        """Stop after the batch under way."""
        self._stopping.set()

    async def run(self) -> None:
        """Follow the topics until ``stop``. Raises what nobody expected: a bug."""
        attempt = 1
        while not self._stopping.is_set():
            began_at = time.monotonic()
            try:
                await self._follow()
            except Stopped:
                return
            except Exception as error:
                if not isinstance(error, Fenced) and not is_temporary(error):
                    raise
                attempt = 1 if time.monotonic() - began_at > CALM_S else attempt + 1
                log.warning("consumer_restarts", attempt=attempt, error=repr(error))
                await self._stopped_within(backoff_s(attempt, most_s=BACKOFF_MOST_S))

    async def on_partitions_revoked(self, revoked: Collection[Partition]) -> None:
        """A batch under way may still commit, until somebody else claims its partitions."""
        metrics.LAG.clear()
        self._window.forget()
        self._unclaimed.difference_update(revoked)
        for partition in revoked:
            self._claimed.pop(Partition(*partition), None)

    async def on_partitions_assigned(self, assigned: Collection[Partition]) -> None:
        """Nothing is read from them until they are claimed."""
        self.joined = True
        self._unclaimed = {Partition(*partition) for partition in assigned}
        self._claimed.clear()
        self._window.forget()
        if self._consumer is not None and assigned:
            self._consumer.pause(*assigned)
        log.info("partitions_assigned", partitions=sorted(map(str, map(tuple, assigned))))

    async def _follow(self) -> None:
        """One membership of the group, from joining to leaving."""
        consumer = self._consumer = self._new_consumer()
        try:
            consumer.subscribe(self._settings.topics(), listener=self)
            await consumer.start()
            while not self._stopping.is_set():
                await self._claim(consumer)
                messages, more_wait = await self._read(consumer)
                self._gather(messages)
                self._window.go_on(more_wait=more_wait)
                await self._window.has_room(self._claimed)
                await self._tell_kafka(consumer, at_once=not messages)
            self._window.forget()
            await self._window.is_empty()
            await self._tell_kafka(consumer, at_once=True)
        finally:
            self.joined, self._consumer = False, None
            self._unclaimed.clear()
            self._claimed.clear()
            await self._window.give_up()
            await consumer.stop()

    def _new_consumer(self) -> AIOKafkaConsumer:
        return AIOKafkaConsumer(
            **client_options(self._settings),
            group_id=self._settings.projection_group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=6_000,
            heartbeat_interval_ms=1_000,
            metadata_max_age_ms=10_000,
            # A message that arrives while aiokafka already waits for the other partitions is fetched only after that
            # wait: this bounds it. Shorter costs idle CPU, longer shows as a tail of the delay.
            fetch_max_wait_ms=100,
            max_partition_fetch_bytes=4 * 1024 * 1024,
        )

    async def _claim(self, consumer: AIOKafkaConsumer) -> None:
        """Claim what was assigned, and go back in it to the first message not yet folded."""
        wanted = set(self._unclaimed)
        if not wanted:
            return
        await self._window.is_empty()
        claimed = await self._until_done(lambda: self._store.claim(wanted))
        for partition in wanted & self._unclaimed:
            self._unclaimed.remove(partition)
            self._claimed[partition] = claimed[partition]
            consumer.seek(TopicPartition(*partition), claimed[partition].next_offset)
            consumer.resume(TopicPartition(*partition))
        log.info("partitions_claimed", places={f"{p.topic}/{p.partition}": o for p, (_, o) in claimed.items()})

    async def _read(self, consumer: AIOKafkaConsumer) -> tuple[Mapping[TopicPartition, Sequence[Message]], bool]:
        """The next messages there is room for, and whether more are there already."""
        rooms = {TopicPartition(*partition): self._window.room(partition) for partition in self._claimed}
        open_to = [partition for partition, room in rooms.items() if room]
        if rooms and not open_to:
            return {}, True
        some, wait_ms = ([], POLL_MS) if len(open_to) == len(rooms) else (open_to, FULL_POLL_MS)
        most = min([READ_MOST, *(rooms[partition] for partition in open_to)])
        messages = await consumer.getmany(*some, timeout_ms=wait_ms, max_records=most)
        return messages, sum(map(len, messages.values())) >= most

    def _gather(self, messages: Mapping[TopicPartition, Sequence[Message]]) -> None:
        for topic_partition, several in messages.items():
            partition = Partition(*topic_partition)
            if place := self._claimed.get(partition):
                self._window.gather(partition, place.epoch, several)

    async def _fold(self, batch: Batch, places: Mapping[Partition, Place]) -> None:
        try:
            with metrics.FLUSH_SECONDS.time():
                changes = await self._until_done(lambda: self._flush(batch, places))
        except Fenced:
            if self._holds(places):
                raise
            log.info("batch_left_to_others", messages=len(batch))
            return
        self._note(batch, changes, places)

    def _holds(self, places: Mapping[Partition, Place]) -> bool:
        """Whether one of these claims is ours as far as we know; else the group has taken them away meanwhile."""
        return any(
            (held := self._claimed.get(partition)) is not None and held.epoch == place.epoch
            for partition, place in places.items()
        )

    async def _flush(self, batch: Batch, places: Mapping[Partition, Place]) -> Changes:
        async with asyncio.timeout(FLUSH_TIMEOUT_S):
            return await self._store.flush(batch, places)

    def _note(self, batch: Batch, changes: Changes, places: Mapping[Partition, Place]) -> None:
        """The batch is in the views."""
        for partition, place in places.items():
            held = self._claimed.get(partition)
            if held is not None and held.epoch == place.epoch:
                self._claimed[partition] = place
        self.flushed_at = time.monotonic()
        if self._consumer is not None:
            self._measure_lag(self._consumer)
        metrics.note_batch(batch, changes)
        self._batch_folded(places)

    async def _tell_kafka(self, consumer: AIOKafkaConsumer, *, at_once: bool) -> None:
        """Commit the offsets to Kafka too, seldom while it is busy. Nothing rests on them: a failure is no matter."""
        now = time.monotonic()
        if not at_once and now - self._told_at < TELL_EVERY_S:
            return
        places = {TopicPartition(*partition): place.next_offset for partition, place in self._claimed.items()}
        self._told_at = now
        if not places or places == self._told:
            return
        self._told = places
        try:
            async with asyncio.timeout(TELL_TIMEOUT_S):
                await consumer.commit(places)
        except (KafkaError, TimeoutError) as error:
            log.info("offsets_not_told", error=repr(error))

    def _measure_lag(self, consumer: AIOKafkaConsumer) -> None:
        for partition, place in self._claimed.items():
            end = consumer.highwater(TopicPartition(*partition))
            if end is not None:
                metrics.LAG.labels(partition.topic, partition.partition).set(end - place.next_offset)

    async def _until_done(self, act: Callable[[], Awaitable[Answer]]) -> Answer:
        """Try until it succeeds or a stop is asked for. Raises Stopped, and whatever is not temporary."""
        attempt = 1
        while True:
            try:
                return await act()
            except Exception as error:
                if not is_temporary(error):
                    raise
                metrics.FAILURES.labels(type(error).__name__).inc()
                log.warning("batch_waits", attempt=attempt, error=repr(error))
            if await self._stopped_within(backoff_s(attempt, first_s=0.2, most_s=BACKOFF_MOST_S)):
                raise Stopped
            attempt += 1

    async def _stopped_within(self, pause_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()
        return self._stopping.is_set()
