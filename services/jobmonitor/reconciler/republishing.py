"""Requests that nobody accepted are published again: an event may be skipped even on a topic that workers read.

What waits is looked at page by page, each job type by itself: thousands of submissions to a type nobody serves keep
those of other types, and those behind them, waiting for nobody.
"""

import time
from collections.abc import Iterable, Sequence
from uuid import UUID

import asyncpg
import msgspec
import structlog

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import JobStopRequested, JobSubmitted
from jobmonitor.contract.topics import topic_of
from jobmonitor.database.statement import statements
from jobmonitor.ledger import Ledger
from jobmonitor.reconciler.backoffs import RequestBackoffs
from jobmonitor.runtime.kafka import KafkaUnavailable, MessageRefused, Outgoing, Producer, outgoing

SQL = statements("jobmonitor.reconciler.sql")
SOURCE = "/jobmonitor/reconciler"
PAGE = 200
"""Requests looked at in one round, of each job type."""
REMEMBERED_MAX = 10_000
"""Requests of one type that are looked after, the oldest; those behind them follow when some of these are accepted."""

log = structlog.stdlib.get_logger()


class _Pages:
    """The waiting requests, page by page in the order of their Job#s, and which of them are due."""

    def __init__(self, first_pause_s: float) -> None:
        self.after = 0
        """The Job# behind which the next page begins."""
        self._seen = 0
        self._backoffs = RequestBackoffs(first_pause_s)

    def due(self, page: Sequence[asyncpg.Record], waiting: Iterable[UUID]) -> list[UUID]:
        """Those of the page to publish again now. It begins behind ``after``; ``waiting`` are those of it that wait."""
        due = self._backoffs.due(waiting, time.monotonic())
        self._seen += len(page)
        if len(page) < PAGE or self._seen >= REMEMBERED_MAX:
            self._backoffs.all_seen()
            self.after = self._seen = 0
        else:
            self.after = page[-1]["number"]
        return due


class Republishing:
    """Asks again for submissions and stops. Several processes at once only send more copies, which change nothing."""

    def __init__(self, ledger: Ledger, producer: Producer, job_types: Iterable[str], *, untaken_after_s: float) -> None:
        """``untaken_after_s``: how long a request may be seen waiting before it is published again.

        ``job_types``: the slugs whose submissions are looked after.
        """
        self._ledger = ledger
        self._pool = ledger.pool
        self._producer = producer
        self._submissions = {job_type: _Pages(untaken_after_s) for job_type in job_types}
        self._stops = _Pages(untaken_after_s)

    async def submissions(self) -> int:
        """Submissions that the view knows and no worker accepted, with their own id and time; returns how many."""
        behind = [pages.after for pages in self._submissions.values()]
        rows = await SQL["unaccepted_submissions"].fetch(
            self._pool, job_types=list(self._submissions), behind=behind, limit=PAGE
        )
        known = await self._ledger.known([row["job_id"] for row in rows])
        due: list[UUID] = []
        for job_type, pages in self._submissions.items():
            page = [row for row in rows if row["job_type"] == job_type]
            due += pages.due(page, [row["job_id"] for row in page if row["job_id"] not in known])
        asked = await SQL["submissions_as_sent"].fetch(self._pool, job_ids=due) if due else []
        return await self._publish([message for row in asked for message in _submission(row)])

    async def stops(self) -> int:
        """Stop requests that the view knows and no worker consumed; returns how many."""
        page = await SQL["asked_stops"].fetch(self._pool, behind=self._stops.after, limit=PAGE)
        unconsumed = (
            await SQL["unconsumed_stops"].fetch(self._pool, job_ids=[row["job_id"] for row in page]) if page else []
        )
        due = self._stops.due(page, [row["job_id"] for row in unconsumed])
        asked = await SQL["stops_as_sent"].fetch(self._pool, job_ids=due) if due else []
        return await self._publish([_stop(row) for row in asked])

    async def _publish(self, messages: Sequence[Outgoing]) -> int:
        """What Kafka does not take, it may take at the next turn. Raises KafkaUnavailable."""
        failures = await self._producer.deliver(messages) if messages else []
        for message, failure in zip(messages, failures, strict=True):
            if isinstance(failure, MessageRefused):
                log.error("not_published_again", job_id=message.key.decode(), reason=str(failure))
        for failure in failures:
            if isinstance(failure, KafkaUnavailable):
                raise failure
        return failures.count(None)


def _submission(row: asyncpg.Record) -> list[Outgoing]:
    try:
        data = msgspec.convert(row["data"], JobSubmitted)
    except msgspec.ValidationError as error:  # written under another contract; it must not end the process
        log.warning("submission_unreadable", job_id=str(row["job_id"]), error=str(error))
        return []
    return [_again(row, data, data.job_type)]


def _stop(row: asyncpg.Record) -> Outgoing:
    data = JobStopRequested(account_id=row["account_id"], requested_by=row["stop_requested_by"])
    return _again(row, data, row["job_type"])


def _again(row: asyncpg.Record, data: JobSubmitted | JobStopRequested, job_type: str) -> Outgoing:
    event = Event(id=row["event_id"], source=SOURCE, job_id=row["job_id"], time=row["at"], data=data)
    return outgoing(topic_of(data, job_type), event)
