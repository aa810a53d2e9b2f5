"""What the reconciler measures for operators: what is stuck, though nothing is lost. It changes nothing."""

import structlog
from aiokafka.errors import TopicAuthorizationFailedError

from jobmonitor.contract.topics import catalogue
from jobmonitor.database.statement import statements
from jobmonitor.job_types.registry import slugs
from jobmonitor.ledger import Ledger
from jobmonitor.ledger.backlog import Backlog
from jobmonitor.reconciler.metrics import (
    BACKLOG,
    JOBS,
    OUTBOX_OLDEST,
    OUTBOX_REFUSED,
    SCHEDULES_DUE,
    SCHEDULES_LATE,
    STANDING_STILL,
    TOPIC_DIFFERS,
    UNSERVED,
    UNSERVED_OLDEST,
)
from jobmonitor.runtime.settings import KafkaSettings
from jobmonitor.runtime.topic_admin import find_differences

SQL = statements("jobmonitor.reconciler.sql")

STATES = ("scheduled", "queued", "running", "stopping")

log = structlog.stdlib.get_logger()


class Watching:
    """Measures, each time anew."""

    def __init__(self, ledger: Ledger, kafka: KafkaSettings) -> None:
        self._ledger = ledger
        self._kafka = kafka
        self._job_types = slugs(with_probe=kafka.with_probe)
        self._measured: set[str] = set(self._job_types)
        """Types whose backlog is shown."""

    async def outbox(self) -> int:
        """Messages that do not get out; returns 0, as nothing is done."""
        state = await self._ledger.outbox.state()
        OUTBOX_REFUSED.set(state.refused)
        OUTBOX_OLDEST.set(state.oldest_s)
        return 0

    async def schedules(self) -> int:
        """Schedules whose time has come and whose job is not submitted."""
        (row,) = await SQL["waiting_schedules"].fetch(self._ledger.pool)
        SCHEDULES_DUE.set(row["due"])
        SCHEDULES_LATE.set(row["late_s"])
        return 0

    async def unserved(self) -> int:
        """Submissions that no worker accepts."""
        for row in await SQL["unserved"].fetch(self._ledger.pool, job_types=list(self._job_types)):
            UNSERVED.labels(row["job_type"]).set(row["jobs"])
            UNSERVED_OLDEST.labels(row["job_type"]).set(row["oldest_s"])
        return 0

    async def accounts(self) -> int:
        """Accounts whose jobs wait for others that stand still."""
        found = await self._ledger.standing_still_s()
        for job_type in self._job_types:
            STANDING_STILL.labels(job_type).set(found.get(job_type, 0))
        return 0

    async def backlogs(self) -> int:
        """What there is to do. A type that is not installed here is shown while it has any."""
        found = await self._ledger.backlogs()
        for gone in self._measured - found.keys() - {*self._job_types}:
            _forget(gone)
        self._measured = found.keys() | {*self._job_types}
        for job_type in self._measured:
            _show(job_type, found.get(job_type, Backlog()))
        return 0

    async def topics(self) -> int:
        """Topics that are not as the catalogue says. Without the right to ask nothing is said."""
        try:
            differences = await find_differences(self._kafka, catalogue(self._job_types, self._kafka.partitions()))
        except TopicAuthorizationFailedError as error:
            log.warning("topics_not_compared", error=str(error))
            return 0
        TOPIC_DIFFERS.clear()
        for each in differences:
            TOPIC_DIFFERS.labels(each.topic, each.setting).set(1)
        return 0


def _show(job_type: str, backlog: Backlog) -> None:
    values = backlog._asdict()
    for state in STATES:
        JOBS.labels(job_type, state).set(values[state])
    for field, gauge in BACKLOG.items():
        gauge.labels(job_type).set(values[field])


def _forget(job_type: str) -> None:
    for state in STATES:
        JOBS.remove(job_type, state)
    for gauge in BACKLOG.values():
        gauge.remove(job_type)
