"""Which tasks the reconciler has, how often each is done, and how long it may take."""

from jobmonitor.reconciler.loops import Task
from jobmonitor.reconciler.repairs import BATCH, Repairs
from jobmonitor.reconciler.retention import RUNS_AT_ONCE, Retention
from jobmonitor.reconciler.schedules import BATCH as SCHEDULES
from jobmonitor.reconciler.settings import ReconcilerSettings
from jobmonitor.reconciler.watching import Watching

DATABASE_TIMEOUT_S = 30.0
"""For what asks the database and the broker only."""
FILES_TIMEOUT_S = 60.0
"""For what deletes files: what was deleted by then stays so, and the next round goes on behind it."""
SELDOM_S = 5.0
"""For what repairs a loss that nobody is known to have."""
WATCH_EVERY_S = 10.0
TOPICS_EVERY_S = 60.0
"""For what operators look at."""
RETENTION_EVERY_S = 60.0
"""For what is dropped because it is old."""


def tasks(repairs: Repairs, retention: Retention, watching: Watching, settings: ReconcilerSettings) -> list[Task]:
    """All of them. Each is done by a loop of its own."""
    often_s = settings.reconcile_every_s
    seldom_s = max(often_s, SELDOM_S)

    return [
        Task("start_due_jobs", repairs.start_due_jobs, often_s, DATABASE_TIMEOUT_S, full=BATCH, is_loss=False),
        Task(
            "submit_due_schedules",
            repairs.submit_due_schedules,
            settings.schedules_every_s,
            DATABASE_TIMEOUT_S,
            full=SCHEDULES,
            is_loss=False,
        ),
        Task("send_leftover_messages", repairs.send_leftover_messages, often_s, DATABASE_TIMEOUT_S, full=1),
        Task("redispatch_chunks", repairs.redispatch_chunks, often_s, DATABASE_TIMEOUT_S),
        Task("admit_waiting", repairs.admit_waiting, seldom_s, DATABASE_TIMEOUT_S),
        Task("finish_stops", repairs.finish_stops, often_s, DATABASE_TIMEOUT_S, full=BATCH),
        Task("republish_submissions", repairs.republish_submissions, often_s, DATABASE_TIMEOUT_S),
        Task("republish_stops", repairs.republish_stops, often_s, DATABASE_TIMEOUT_S),
        Task("expire_results", repairs.expire_results, often_s, DATABASE_TIMEOUT_S, full=BATCH, is_loss=False),
        Task("purge_results", repairs.purge_results, often_s, FILES_TIMEOUT_S, full=BATCH, is_loss=False),
        Task("sweep_parts", repairs.sweep_parts, often_s, FILES_TIMEOUT_S, full=BATCH, is_loss=False),
        *_retention_tasks(retention),
        Task("watch_outbox", watching.outbox, WATCH_EVERY_S, DATABASE_TIMEOUT_S, is_loss=False),
        Task("watch_schedules", watching.schedules, WATCH_EVERY_S, DATABASE_TIMEOUT_S, is_loss=False),
        Task("watch_unserved", watching.unserved, WATCH_EVERY_S, DATABASE_TIMEOUT_S, is_loss=False),
        Task("watch_accounts", watching.accounts, WATCH_EVERY_S, DATABASE_TIMEOUT_S, is_loss=False),
        Task("watch_backlogs", watching.backlogs, WATCH_EVERY_S, DATABASE_TIMEOUT_S, is_loss=False),
        Task("watch_topics", watching.topics, TOPICS_EVERY_S, DATABASE_TIMEOUT_S, is_loss=False),
        Task("sweep_orphans", repairs.sweep_orphans, often_s, FILES_TIMEOUT_S, is_loss=False),
    ]


def _retention_tasks(retention: Retention) -> list[Task]:
    every_s, timeout_s = RETENTION_EVERY_S, DATABASE_TIMEOUT_S
    return [
        Task("add_months_ahead", retention.add_months_ahead, every_s, timeout_s, is_loss=False),
        Task("forget_runs", retention.forget_runs, every_s, timeout_s, full=RUNS_AT_ONCE, is_loss=False),
        Task("drop_month", retention.drop_month, every_s, timeout_s, full=1, is_loss=False),
        Task("drop_row_outcomes", retention.drop_row_outcomes, every_s, timeout_s, full=1, is_loss=False),
    ]
