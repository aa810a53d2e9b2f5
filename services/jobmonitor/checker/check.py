"""Looks at everything once, and judges it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from jobmonitor.checker.client_history import Operation, read_history
from jobmonitor.checker.database import read_database
from jobmonitor.checker.files import jobs_with_parts, read_results
from jobmonitor.checker.invariants import INVARIANTS
from jobmonitor.checker.job_log import LogFold
from jobmonitor.checker.kafka_log import jobs_given_up, read_log, read_topic_differences
from jobmonitor.checker.mail import read_mail
from jobmonitor.checker.report import CouldNotLook, Report
from jobmonitor.checker.settings import CheckSettings
from jobmonitor.checker.snapshot import Snapshot
from jobmonitor.contract.topics import catalogue, view_topics
from jobmonitor.job_types.registry import slugs
from jobmonitor.runtime.objects import ObjectStore


async def check(
    settings: CheckSettings, *, history: Path | Sequence[Operation] | None = None, calm: bool = False
) -> Report:
    """Verify the invariants on a system that may be busy; with ``calm`` nothing may be in motion any more.

    ``history`` is what clients were told, or the file that says so (``client_history``). Changes nothing. Raises
    CouldNotLook: a server is away, or does not show everything.
    """
    return judge(await look(settings, history=history, calm=calm))


async def look(
    settings: CheckSettings, *, history: Path | Sequence[Operation] | None = None, calm: bool = False
) -> Snapshot:
    """Read everything: first the database, at one moment, then the log, which then is never behind it.

    Raises CouldNotLook.
    """
    snapshot = Snapshot(calm=calm, now=datetime.now(UTC))
    snapshot.clients = read_history(history) if isinstance(history, Path) else history
    unsent = await read_database(settings.owner_url, snapshot)
    fold = LogFold(snapshot.folded_to)
    snapshot.log_begins, snapshot.log_ends = await read_log(settings.kafka, _topics(settings, snapshot), fold.add)
    wanted = settings.catalogue or catalogue(slugs(with_probe=settings.kafka.with_probe), settings.kafka.partitions())
    snapshot.topic_differences = await read_topic_differences(settings.kafka, wanted)
    snapshot.dead_lettered = frozenset(await jobs_given_up(settings.kafka))
    for topic, value in unsent:
        fold.add_unsent(topic, value)
    snapshot.log = {job_id: job for job_id, job in fold.close().items() if not snapshot.is_cut(job)}
    snapshot.messages = fold.messages
    await _read_files(settings, snapshot)
    if settings.mail_folder:
        snapshot.mail = read_mail(Path(settings.mail_folder))
    return snapshot


def judge(snapshot: Snapshot) -> Report:
    """What the invariants say of it. Pure."""
    findings = tuple(invariant.judge(snapshot) for invariant in INVARIANTS)
    return Report(calm=snapshot.calm, messages=snapshot.messages, jobs=len(snapshot.log), findings=findings)


def _topics(settings: CheckSettings, snapshot: Snapshot) -> set[str]:
    of_types = (topic for slug in slugs(with_probe=settings.kafka.with_probe) for topic in view_topics(slug))
    named = settings.topics or tuple(of_types)
    return {*named, *(topic for topic, _ in snapshot.folded_to)}


async def _read_files(settings: CheckSettings, snapshot: Snapshot) -> None:
    try:
        objects = ObjectStore(settings.object_store_url)
        snapshot.files = await read_results(objects, snapshot.runs.values(), datetime.now(UTC))
        snapshot.parts = await jobs_with_parts(objects)
    except OSError as error:
        raise CouldNotLook(f"The object store cannot be read ({error}).") from error
