"""Faust without skipped events: a consumer that goes on reading where handing over stopped, and commits no further.

The cause, in faust-streaming 0.15.3. At a rebalance Faust stops the flow, clears its queues and seeks back to the
committed offsets. Two things escape that:

- A fetch that already waited in the consumer's thread when the flow stopped still takes the next batch and moves the
  position past it; the batch is dropped. Seeking back mends that only for partitions with a committed offset above 0:
  aiokafka's ``seek_to_committed`` leaves the others where they are, and the first commit comes seconds after the start.
- The jump that follows is misread as an offset gap of the log and counted as acknowledged, so the commit moves past
  events that no agent has seen.

The remedy keeps its own account, a :class:`Reading`, from one stop of the flow to the next:

- A reading begins at the committed offsets, or at the beginning of a partition without one, and belongs to one
  assignment of the group. Nothing is handed over that was fetched for another reading.
- Positions count only when the last batch was handed over whole. Otherwise the next fetch first seeks to what is due,
  so whatever was fetched and dropped is fetched again. A jump can then only be an offset gap of the log itself.
- The offset to commit is that of the oldest event handed over and not yet acknowledged.

It relies on how our apps are set up: no tables, never exactly once, reading from the earliest offset, acknowledged
topics only. It overrides internals of two libraries, so the process refuses to start with other versions of them
(:mod:`jobmonitor.processor.versions`).
"""

import asyncio
import concurrent.futures
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import faust
from aiokafka import TopicPartition
from faust.app.base import BootStrategy
from faust.transport.consumer import RecordMap
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, Message
from faust.types.tuples import ack_lock

from jobmonitor.runtime import record_batches
from jobmonitor.runtime.consumer import FETCH_BYTES_MAX, leave_at_stop, take

READ_MOST = 2000
"""Records taken in one go."""
ACKS_WITHIN_S = 0.25
"""How long giving partitions back waits for acknowledgements: nobody reads them meanwhile, and what is acknowledged
later is only consumed again."""
PAUSE_S = 0.1
"""Between looks for something to read while there is nothing to read from."""


@dataclass
class PartitionOffsets:
    """How far one partition was handed over and acknowledged."""

    due: int
    """The offset to hand over next."""
    committed: int
    in_flight: dict[int, None] = field(default_factory=dict)
    """Offsets handed over and not acknowledged, in the order of handing over (a dict for want of an ordered set)."""

    def to_commit(self) -> int:
        """Everything before this offset was acknowledged."""
        return next(iter(self.in_flight), self.due)


@dataclass(eq=False)
class Reading:
    """One stretch of reading, begun at the committed offsets; over when the flow stops, and then never resumed."""

    partitions: dict[TP, PartitionOffsets] = field(default_factory=dict)
    assignment: Any = None
    """aiokafka's object of the assignment it belongs to; None until the reading was begun."""
    settled: bool = False
    """Whether aiokafka's positions are the due offsets."""
    over: bool = False

    def ack(self, tp: TP, offsets: Iterable[int]) -> None:
        """Repeatable; of another reading's events only those matter that are in flight again."""
        if tp in self.partitions:
            for offset in offsets:
                self.partitions[tp].in_flight.pop(offset, None)

    def to_commit(self) -> dict[TP, int]:
        """The offsets that differ from the committed ones."""
        found = {tp: partition.to_commit() for tp, partition in self.partitions.items()}
        return {tp: offset for tp, offset in found.items() if offset != self.partitions[tp].committed}

    def note_commit(self, offsets: Mapping[TP, int]) -> None:
        for tp in offsets.keys() & self.partitions.keys():
            self.partitions[tp].committed = offsets[tp]


class ReadingThread(driver.AIOKafkaConsumerThread):
    """The thread that owns the aiokafka consumer. Its methods here run in it, through ``call_thread``."""

    _fetching = False

    def _create_worker_consumer(self, transport: Any) -> Any:
        """Faust asks for committed messages only with its exactly-once mode."""
        record_batches.install()
        consumer = super()._create_worker_consumer(transport)
        consumer._isolation_level = "read_committed"
        consumer._fetch_max_bytes = FETCH_BYTES_MAX
        return consumer

    async def begin(self, reading: Reading) -> None:
        """Find out where to read from, in the assignment of this moment."""
        consumer = self._ensure_consumer()
        assignment = self._assignment()
        offsets = {tp: await consumer.committed(tp) for tp in assignment.tps} if assignment else {}
        without = [tp for tp, offset in offsets.items() if offset is None]
        if without:
            offsets.update(await consumer.beginning_offsets(without))
        reading.partitions = {TP(*tp): PartitionOffsets(due=offset, committed=offset) for tp, offset in offsets.items()}
        reading.assignment = assignment

    async def read_on(self, reading: Reading, partitions: set[TP], timeout_s: float) -> tuple[RecordMap, dict[TP, int]]:
        """The next records, and the positions behind them. Nothing if the reading is over, or ends meanwhile.

        A fetch whose caller was cancelled goes on; another beside it would not know whose records it gets.
        """
        if self._fetching or not self._goes_on(reading):
            await asyncio.sleep(PAUSE_S)
            return {}, {}
        self._fetching = True
        try:
            return await self._fetch(reading, partitions, timeout_s)
        finally:
            self._fetching = False

    async def _fetch(self, reading: Reading, partitions: set[TP], timeout_s: float) -> tuple[RecordMap, dict[TP, int]]:
        consumer = self._ensure_consumer()
        if not reading.settled:
            self._seek_to_due(reading)
        reading.settled = False
        wanted = [TopicPartition(*tp) for tp in partitions]
        records = await take(consumer, *wanted, timeout_ms=int(timeout_s * 1000), records_max=READ_MOST)
        if not self._goes_on(reading):
            return {}, {}
        return cast(RecordMap, records), self._positions(reading)

    def _positions(self, reading: Reading) -> dict[TP, int]:
        """Behind what was fetched, messages or not."""
        states = {tp: reading.assignment.state_value(TopicPartition(*tp)) for tp in reading.partitions}
        return {tp: state.position for tp, state in states.items() if state.has_valid_position}

    def leave_group(self) -> "concurrent.futures.Future[None]":
        """Leave at once, from another thread, committing nothing: others need not wait until this process is missed."""
        consumer = self._ensure_consumer()
        leave_at_stop(consumer)
        leaving: Coroutine[Any, Any, None] = consumer._coordinator._maybe_leave_group()
        return asyncio.run_coroutine_threadsafe(leaving, self.thread_loop)

    async def on_thread_stop(self) -> None:
        if self._consumer is not None:
            leave_at_stop(self._consumer)
        await super().on_thread_stop()

    def is_member(self) -> bool:
        """Whether the group has taken this consumer in."""
        return self._consumer is not None and bool(self._consumer._coordinator.generation > 0)

    def _assignment(self) -> Any:
        """aiokafka's present assignment, a new object after every rebalance; None before the first."""
        subscription = self._ensure_consumer()._subscription.subscription
        return subscription and subscription.assignment

    def _goes_on(self, reading: Reading) -> bool:
        """Ends a reading whose assignment is not the group's any more."""
        if reading.assignment is None or reading.assignment is not self._assignment():
            reading.over = True
        return not reading.over

    def _seek_to_due(self, reading: Reading) -> None:
        """Where the position is the due offset already, what was fetched ahead is kept."""
        fetcher = self._ensure_consumer()._fetcher
        for tp, partition in reading.partitions.items():
            state = reading.assignment.state_value(tp)
            if not state.has_valid_position or state.position != partition.due:
                fetcher.seek_to(TopicPartition(*tp), partition.due)


class NoSkipConsumer(driver.Consumer):
    """Faust's consumer, with its account of offsets replaced by :class:`Reading`."""

    _thread: ReadingThread
    _revoking = False
    read_at = 0.0
    """``time.monotonic`` when the broker was last asked for messages, and answered that there are some or none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._reading = Reading(over=True)
        super().__init__(*args, **kwargs)

    def _new_consumer_thread(self) -> ReadingThread:
        return ReadingThread(self, loop=self.loop, beacon=self.beacon)

    def leave_group(self) -> "concurrent.futures.Future[None]":
        """Nothing is handed over afterwards. For a process that is about to end."""
        self._reading.over = True
        return self._thread.leave_group()

    def waiting(self) -> dict[TP, tuple[int, int]]:
        """Of each partition where reading goes on, and how many offsets are behind it, as far as we know."""
        consumer, found = self._thread._ensure_consumer(), {}
        for tp, partition in self._reading.partitions.items():
            end = consumer.last_stable_offset(TopicPartition(*tp)) if tp in consumer.assignment() else None
            found[tp] = (partition.due, max(0, (end or 0) - partition.due))
        return found

    def is_member(self) -> bool:
        """Of the group, with or without partitions."""
        return self._thread.is_member()

    def stop_flow(self) -> None:
        """What is in Faust's queues now will be cleared, so reading begins anew afterwards."""
        self._reading.over = True
        super().stop_flow()

    def resume_flow(self) -> None:
        """A rebalance overtaken by the next one still resumes the flow: that would keep the revocation waiting."""
        if not self._revoking:
            super().resume_flow()

    async def perform_seek(self) -> None:
        """Called before the queues are cleared and the flow is resumed; the first fetch after that seeks."""
        self.stop_flow()

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Waits for the events under way and commits them. What is acknowledged later counts no more."""
        self._revoking = True
        self._collect_acks()
        await super().on_partitions_revoked(revoked)
        self._reading = Reading(over=True)

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        self._revoking = False
        await super().on_partitions_assigned(assigned, generation_id)

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[TP, Message]]:  # noqa: ASYNC109 - Faust's name
        """The next records, each counted as handed over before it is."""
        if not self.flow_active:
            await self.wait(self.can_resume_flow)  # type: ignore[arg-type]  # any event will do
        partitions = self._get_active_partitions()
        if self.should_stop or not partitions:
            self.read_at = time.monotonic()
            await self.sleep(PAUSE_S)
            return
        reading = await self._current_reading()
        records, behind = await self._thread.call_thread(self._thread.read_on, reading, partitions, timeout)
        self.read_at = time.monotonic()
        for tp, record in self.scheduler.iterate(records):
            if reading.over:
                return
            self._hand_over(reading.partitions[tp], tp, record.offset)
            yield tp, self._to_message(tp, record)
            reading.partitions[tp].due = record.offset + 1
        if behind:
            self._settle(reading, behind)

    def _settle(self, reading: Reading, behind: Mapping[TP, int]) -> None:
        """After a batch that was handed over whole, or had nothing. The position is behind the last record where the
        log has a hole: marks of transactions, for instance."""
        for tp, position in behind.items():
            reading.partitions[tp].due = position
        reading.settled = True

    async def _current_reading(self) -> Reading:
        if self._reading.over:
            reading = self._reading = Reading()
            await self._thread.call_thread(self._thread.begin, reading)
            self._read_offset.update({tp: partition.due for tp, partition in reading.partitions.items()})
        return self._reading

    def _hand_over(self, partition: PartitionOffsets, tp: TP, offset: int) -> None:
        """Faust is shown every offset as the expected one, so it neither drops the event nor invents a gap."""
        partition.in_flight[offset] = None
        self._read_offset[tp] = offset
        self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))

    def _collect_acks(self) -> None:
        """Faust's streams write acknowledgements into these two themselves, past any method."""
        with ack_lock:
            for tp, offsets in self._acked.items():
                self._reading.ack(tp, offsets)
            self._acked.clear()
            self._acked_index.clear()

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:  # noqa: ARG002 - Faust's own account
        self._collect_acks()
        return self._reading.to_commit()

    async def wait_empty(self) -> None:
        """For a moment: what was taken from a stream is mostly acknowledged in it.

        What takes longer comes again, to whoever takes the partition over: a rebalance does not wait for it.
        """
        ends_at_s = time.monotonic() + ACKS_WITHIN_S
        while not self.should_stop and self._unacked_messages and time.monotonic() < ends_at_s:
            await asyncio.sleep(ACKS_WITHIN_S / 50)
            self._clean_unacked_messages()
        await self.commit_and_end_transactions()

    async def commit_and_end_transactions(self) -> None:
        """The last commit before partitions are given back; one under way knows less, so it cannot stand for it."""
        await self.maybe_wait_for_commit_to_finish()
        await super().commit_and_end_transactions()

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        reading = self._reading
        committed = await super()._commit_offsets(offsets, start_new_transaction)
        self._committed_offset.clear()  # streams do not write down acknowledgements below it
        if committed:
            reading.note_commit(offsets)
        return committed


class NoSkipTransport(driver.Transport):
    Consumer = NoSkipConsumer


class _ConsumingOnly(BootStrategy):
    """All that we send leaves by the process's own producer; Faust's, one an app, would idle beside it."""

    enable_kafka_producer = False


class NoSkipApp(faust.App):
    """An app that reads Kafka through :class:`NoSkipConsumer`; other apps of the process are left alone."""

    BootStrategy = _ConsumingOnly

    def _new_transport(self) -> NoSkipTransport:
        return NoSkipTransport(self.conf.broker_consumer, self)

    def leave_group(self) -> "concurrent.futures.Future[None]":
        """See :meth:`NoSkipConsumer.leave_group`."""
        return cast(NoSkipConsumer, self.consumer).leave_group()

    def waiting(self) -> dict[TP, tuple[int, int]]:
        """See :meth:`NoSkipConsumer.waiting`."""
        return cast(NoSkipConsumer, self.consumer).waiting()

    def is_member(self) -> bool:
        """See :meth:`NoSkipConsumer.is_member`."""
        return cast(NoSkipConsumer, self.consumer).is_member()

    @property
    def read_at(self) -> float:
        """See :attr:`NoSkipConsumer.read_at`."""
        return cast(NoSkipConsumer, self.consumer).read_at
