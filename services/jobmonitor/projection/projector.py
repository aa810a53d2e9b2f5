"""Consumes requests and facts and folds them into the views, in batches, until it is asked to stop.

Kafka's group decides which process follows which partitions; the position is in the database, so what Kafka delivers
twice or late does no harm: messages of a partition that is not claimed are dropped, and a claim begins by seeking to
the first message not yet folded. The offsets committed to Kafka are for lag tools only.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition

from jobmonitor.projection import metrics
from jobmonitor.projection.batch import Batch, Message, ViewChanges, read
from jobmonitor.projection.folding import Folding, Interrupted, Retries
from jobmonitor.projection.kafka_offsets import KafkaOffsets
from jobmonitor.projection.settings import ProjectionSettings
from jobmonitor.projection.store import Claim, Fenced, Partition, Position, Store
from jobmonitor.projection.suspects import Trial, is_suspect, next_trial
from jobmonitor.projection.window import Window
from jobmonitor.runtime.backoff import Backoff
from jobmonitor.runtime.consumer import leave_at_stop, new_consumer, position_now, take
from jobmonitor.runtime.failures import is_temporary

POLL_MS = 250
"""How long to wait for messages before looking around: for a stop, for newly assigned partitions."""
FULL_POLL_MS = 20
"""The same while the window is full for some partitions: it may have capacity again soon."""
READ_MOST = 1000
"""Messages decoded in one go: a flush under way waits so long for its next step, some 4 ms."""
RELEASE_TIMEOUT_S = 1.0
REJOIN = Backoff(most_s=5.0)
CALM_S = 60.0
"""A membership that lasted so long was a good one: after it the pauses begin short again."""

log = structlog.stdlib.get_logger()


@dataclass(slots=True)
class _Suspect:
    """A partition whose messages are tried apart from all others."""

    until: int
    """Up to here it may have been read when the process ended."""
    trial: Trial
    """The last one."""


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
        self._claimed: dict[Partition, Position] = {}
        self._read_to: dict[Partition, int] = {}
        """Behind what has gathered of the claimed partitions, or is folded."""
        self._suspects: dict[Partition, _Suspect] = {}
        self._retries = Retries(self._stopping)
        self._folding = Folding(store, self._retries, _some_job_type(settings), self._note)
        self._window = Window(
            self._fold, most=settings.projection_batch_events, most_bytes=settings.projection_batch_bytes
        )
        self._kafka_offsets = KafkaOffsets()
        self.joined = False
        """Whether the group has told us our share, which may be nothing."""
        self.flushed_at: float | None = None
        """``time.monotonic`` of the last batch; None before the first."""

    @property
    def positions(self) -> dict[Partition, Position]:
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
            except Interrupted:
                return
            except Exception as error:
                if not isinstance(error, Fenced) and not is_temporary(error):
                    raise
                attempt = 1 if time.monotonic() - began_at > CALM_S else attempt + 1
                log.warning("consumer_restarts", attempt=attempt, error=repr(error))
                await self._retries.stopped_within(REJOIN.pause_s(attempt))

    async def on_partitions_revoked(self, revoked: Collection[Partition]) -> None:
        """A batch under way may still commit, until somebody else claims its partitions."""
        metrics.LAG.clear()
        self._window.forget()
        await self._release(set(map(_partition, revoked)))
        self._unclaimed.difference_update(revoked)
        for partition in map(_partition, revoked):
            self._claimed.pop(partition, None)
            self._suspects.pop(partition, None)

    async def on_partitions_assigned(self, assigned: Collection[Partition]) -> None:
        """Nothing is read from them until they are claimed."""
        self.joined = True
        self._unclaimed = set(map(_partition, assigned))
        self._claimed.clear()
        self._suspects.clear()
        self._window.forget()
        if self._consumer is not None and assigned:
            self._consumer.pause(*assigned)
        log.info("partitions_assigned", partitions=sorted(map(str, map(tuple, assigned))))

    async def _follow(self) -> None:
        """One membership of the group, from joining to leaving."""
        consumer = self._consumer = self._new_consumer()
        try:
            # By a pattern: with names alone the group is not joined until every one of them exists.
            consumer.subscribe(pattern=exactly(self._settings.topics()), listener=self)
            await consumer.start()
            await self._log_missing(consumer)
            while not self._stopping.is_set():
                await self._claim(consumer)
                await self._try_suspects(consumer)
                messages, more_wait = await self._read(consumer)
                await self._gather(consumer, messages)
                self._window.go_on(more_wait=more_wait)
                await self._window.has_capacity(self._claimed)
                await self._kafka_offsets.commit(consumer, self._claimed, at_once=not messages)
            self._window.forget()
            await self._window.is_empty()
            await self._kafka_offsets.commit(consumer, self._claimed, at_once=True)
            await self._release(self._claimed.keys())
        finally:
            self.joined, self._consumer = False, None
            self._unclaimed.clear()
            self._claimed.clear()
            self._suspects.clear()
            await self._window.give_up()
            if self._stopping.is_set():
                leave_at_stop(consumer)
            await consumer.stop()

    async def _log_missing(self, consumer: AIOKafkaConsumer) -> None:
        """Topics to follow that do not exist yet, or that we have no right to see. They are followed once they do."""
        if missing := sorted(set(self._settings.topics()) - await consumer.topics()):
            log.error("topics_missing", topics=missing)

    def _new_consumer(self) -> AIOKafkaConsumer:
        return new_consumer(
            self._settings,
            group_id=self._settings.projection_group,
            group_instance_id=self._settings.kafka_instance or None,
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
        claimed = await self._retries.until_done(lambda: self._store.take_over(wanted))
        begins = await consumer.beginning_offsets([TopicPartition(*partition) for partition in wanted])
        ends = await consumer.end_offsets([TopicPartition(*partition) for partition in wanted])
        for partition in wanted & self._unclaimed:
            claim = claimed[partition]
            position = await self._find(partition, claim.position, begins[partition], ends[partition])
            if partition not in self._unclaimed:
                continue
            self._unclaimed.remove(partition)
            self._claimed[partition] = position
            self._read_to[partition] = position.next_offset
            self._suspect(partition, claim, ends[partition])
            if position.next_offset > claim.position.next_offset and partition not in self._suspects:
                self._window.gather(partition, position, ())  # else what was skipped is noted at every start
            consumer.seek(TopicPartition(*partition), position.next_offset)
            consumer.resume(TopicPartition(*partition))
        log.info(
            "partitions_claimed", positions={f"{p.topic}/{p.partition}": c.next_offset for p, c in claimed.items()}
        )

    async def _find(self, partition: Partition, position: Position, begin: int, end: int) -> Position:
        """The position if the log has it; otherwise the log's beginning: views can only be made of what there is."""
        if position.next_offset < begin:
            await self._note_skipped(partition, position.next_offset, begin)
            return Position(position.epoch, begin)
        if position.next_offset > end:
            log.error(
                "log_is_shorter_than_folded",
                topic=partition.topic,
                partition=partition.partition,
                folded=position.next_offset,
                end=end,
                reason="It is another log, or it lost its end. All of it is folded again.",
            )
            return Position(position.epoch, begin)
        return position

    async def _note_skipped(self, partition: Partition, first_offset: int, next_offset: int) -> None:
        await self._retries.until_done(lambda: self._store.note_skipped(partition, first_offset, next_offset))
        metrics.SKIPPED.labels(partition.topic).inc(next_offset - first_offset)
        log.error(
            "messages_skipped",
            topic=partition.topic,
            partition=partition.partition,
            first_offset=first_offset,
            next_offset=next_offset,
            reason="They were deleted from the log before they were folded: look at the topic's retention.",
        )

    def _suspect(self, partition: Partition, claim: Claim, end: int) -> None:
        """Take a partition out of the ordinary reading whose claims did not end well, if it has messages."""
        until = min(end, claim.next_offset + self._settings.projection_batch_events)
        if is_suspect(claim.claims) and claim.next_offset < until:
            self._suspects[partition] = _Suspect(until, claim.trial)
            log.warning(
                "partition_suspected",
                topic=partition.topic,
                partition=partition.partition,
                next_offset=claim.next_offset,
                until=until,
                claims=claim.claims,
            )

    async def _try_suspects(self, consumer: AIOKafkaConsumer) -> None:
        """One trial of each suspected partition, while nothing else is folded: what ends us then is what was tried."""
        for partition in list(self._suspects):
            await self._window.is_empty()
            if (suspect := self._suspects.get(partition)) and (position := self._claimed.get(partition)):
                await self._try(consumer, partition, position, suspect)

    async def _try(
        self, consumer: AIOKafkaConsumer, partition: Partition, position: Position, suspect: _Suspect
    ) -> None:
        trial = next_trial(suspect.trial, position.next_offset)
        await self._retries.until_done(lambda: self._store.begin_trial(partition, position.epoch, trial))
        topic_partition = TopicPartition(*partition)
        found = await take(consumer, topic_partition, timeout_ms=POLL_MS, records_max=trial.end - trial.first)
        moved = {partition: Position(position.epoch, await consumer.position(topic_partition))}
        if messages := found.get(topic_partition):
            if trial.is_given_up:
                reason = "It ended the process that folded it, and the next ones too."
                await self._folded_or_left(self._folding.put_aside(read(messages), moved, reason), moved)
            else:
                await self._fold(read(messages), moved)
        suspect.trial = trial.survived()
        self._read_to[partition] = moved[partition].next_offset
        if moved[partition].next_offset >= suspect.until and partition in self._suspects:
            del self._suspects[partition]
            await self._retries.until_done(lambda: self._store.clear_suspicion(partition, position.epoch))
            log.info("partition_cleared", topic=partition.topic, partition=partition.partition)

    async def _read(self, consumer: AIOKafkaConsumer) -> tuple[Mapping[TopicPartition, Sequence[Message]], bool]:
        """The next messages the window has capacity for, and whether more are there already."""
        capacities = {
            TopicPartition(*partition): self._window.capacity(partition)
            for partition in self._claimed
            if partition not in self._suspects
        }
        open_to = [partition for partition, capacity in capacities.items() if capacity]
        if self._claimed and not open_to:
            return {}, bool(capacities)
        some, wait_ms = ([], POLL_MS) if len(open_to) == len(self._claimed) else (open_to, FULL_POLL_MS)
        most = min([READ_MOST, *(capacities[partition] for partition in open_to)])
        messages = await take(consumer, *some, timeout_ms=wait_ms, records_max=most)
        return messages, sum(map(len, messages.values())) >= most

    async def _gather(self, consumer: AIOKafkaConsumer, messages: Mapping[TopicPartition, Sequence[Message]]) -> None:
        """What was read, with the positions behind it: a transaction leaves control records in the log."""
        moved = self._moved(consumer, messages)
        await self._find_gaps(consumer, moved, messages)
        for partition, offset in moved.items():
            if claimed := self._claimed.get(partition):
                self._read_to[partition] = offset
                several = messages.get(TopicPartition(*partition), ())
                self._window.gather(partition, Position(claimed.epoch, offset), several)

    def _moved(
        self, consumer: AIOKafkaConsumer, messages: Mapping[TopicPartition, Sequence[Message]]
    ) -> dict[Partition, int]:
        """How far the partitions are read now that are read further than before."""
        offsets = {p: position_now(consumer, TopicPartition(*p)) for p in self._claimed if p not in self._suspects}
        return {
            partition: offset
            for partition, offset in offsets.items()
            if offset is not None and (offset > self._read_to[partition] or TopicPartition(*partition) in messages)
        }

    async def _find_gaps(
        self,
        consumer: AIOKafkaConsumer,
        moved: Mapping[Partition, int],
        messages: Mapping[TopicPartition, Sequence[Message]],
    ) -> None:
        """Offsets without a message are control records, or compacted, or deleted messages: the last are noted."""
        found = {}
        for partition, offset in moved.items():
            several = messages.get(TopicPartition(*partition), ())
            first = several[0].offset if several else offset
            if first > self._read_to[partition]:
                found[partition] = self._read_to[partition]
        if found:
            begins = await consumer.beginning_offsets([TopicPartition(*partition) for partition in found])
            for partition, read_to in found.items():
                if begins[partition] > read_to:
                    await self._note_skipped(partition, read_to, begins[partition])

    async def _fold(self, batch: Batch, positions: Mapping[Partition, Position]) -> None:
        with metrics.FLUSH_SECONDS.time():
            await self._folded_or_left(self._folding.fold(batch, positions), positions)

    async def _folded_or_left(self, folding: Awaitable[None], positions: Mapping[Partition, Position]) -> None:
        try:
            await folding
        except Fenced:
            if self._holds(positions):
                raise
            log.info("batch_left_to_others", partitions=sorted(positions))

    def _holds(self, positions: Mapping[Partition, Position]) -> bool:
        """Whether one of these claims is ours as far as we know; else the group has taken them away meanwhile."""
        return any(
            (held := self._claimed.get(partition)) is not None and held.epoch == position.epoch
            for partition, position in positions.items()
        )

    def _note(self, batch: Batch, changes: ViewChanges, positions: Mapping[Partition, Position]) -> None:
        """The batch is in the views."""
        for partition, position in positions.items():
            held = self._claimed.get(partition)
            if held is not None and held.epoch == position.epoch:
                self._claimed[partition] = position
        self.flushed_at = time.monotonic()
        if self._consumer is not None:
            self._measure_lag(self._consumer)
        metrics.note_batch(batch, changes)
        self._batch_folded(positions)

    def _measure_lag(self, consumer: AIOKafkaConsumer) -> None:
        for partition, position in self._claimed.items():
            end = consumer.highwater(TopicPartition(*partition))
            if end is not None:
                metrics.LAG.labels(partition.topic, partition.partition).set(end - position.next_offset)

    async def _release(self, partitions: Collection[Partition]) -> None:
        """Note that these claims end well, but for what is suspected. Advisory: without it the next claims are only
        more careful than they need be."""
        positions = {
            p: position for p, position in self._claimed.items() if p in partitions and p not in self._suspects
        }
        try:
            async with asyncio.timeout(RELEASE_TIMEOUT_S):
                await self._store.release(positions)
        except Exception as error:  # whatever it is
            log.info("claims_not_released", error=repr(error))


def _partition(topic_partition: TopicPartition) -> Partition:
    return Partition(*topic_partition)


def _some_job_type(settings: ProjectionSettings) -> str:
    return settings.topics()[0].partition(".")[2]


def exactly(topics: Collection[str]) -> str:
    """A pattern that these topics match and no others."""
    return f"^(?:{'|'.join(map(re.escape, topics))})$"
