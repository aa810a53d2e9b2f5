"""The reconciler's metrics."""

from prometheus_client import Counter, Gauge, Histogram

REPAIRED = Counter(
    "jobmonitor_reconciler_mended_total",
    "What had to be repaired, by task: a rising rate means that something keeps getting lost",
    ["duty"],
)
TIDIED = Counter(
    "jobmonitor_reconciler_tidied_total",
    "Ordinary work of the reconciler, by task: jobs started when due, files of ended jobs deleted",
    ["duty"],
)
ROUND_SECONDS = Histogram("jobmonitor_reconciler_round_seconds", "Time of one round of a task", ["duty"])
LAST_ROUND = Gauge(
    "jobmonitor_reconciler_last_round_timestamp_seconds", "When the last round of a task ended well", ["duty"]
)
OUTBOX_REFUSED = Gauge("jobmonitor_reconciler_outbox_refused_rows", "Rows of the outbox that Kafka does not take")
OUTBOX_OLDEST = Gauge("jobmonitor_reconciler_outbox_oldest_seconds", "How long the oldest message waits to be sent")
SCHEDULES_DUE = Gauge("jobmonitor_reconciler_schedules_due", "Schedules with a date that has come and is not submitted")
SCHEDULES_LATE = Gauge("jobmonitor_reconciler_schedules_late_seconds", "For how long the longest of them waits")
UNSERVED = Gauge(
    "jobmonitor_reconciler_unserved_jobs", "Submissions no worker accepted yet, 1,000 at most", ["job_type"]
)
UNSERVED_OLDEST = Gauge(
    "jobmonitor_reconciler_unserved_oldest_seconds", "How long the oldest of them waits", ["job_type"]
)
STANDING_STILL = Gauge(
    "jobmonitor_reconciler_standing_still_seconds",
    "For how long nothing changed in the jobs at work of an account of which others wait: the longest",
    ["job_type"],
)
TOPIC_DIFFERS = Gauge(
    "jobmonitor_reconciler_topic_differs", "1 where a topic is not as the catalogue says", ["topic", "setting"]
)
JOBS = Gauge(
    "jobmonitor_ledger_jobs",
    "Jobs that have not ended, by state; those that wait or are scheduled up to 100,000",
    ["job_type", "state"],
)
BACKLOG = {
    "oldest_waiting_s": Gauge(
        "jobmonitor_ledger_oldest_waiting_seconds",
        "How long the oldest queued job waits for its account's capacity or for a worker",
        ["job_type"],
    ),
    "chunks_not_dispatched": Gauge(
        "jobmonitor_ledger_not_dispatched_chunks",
        "Chunks of running jobs that were not handed out yet: they follow as others end",
        ["job_type"],
    ),
    "unclaimed": Gauge(
        "jobmonitor_ledger_unclaimed_chunks", "Chunks that were handed out and that nobody claimed", ["job_type"]
    ),
    "oldest_unclaimed_s": Gauge(
        "jobmonitor_ledger_oldest_unclaimed_seconds", "How long the oldest of them has been open", ["job_type"]
    ),
    "left_units": Gauge("jobmonitor_ledger_left_units", "Units that were left for later", ["job_type"]),
    "oldest_left_s": Gauge(
        "jobmonitor_ledger_oldest_left_seconds", "How long ago the oldest of them was left first", ["job_type"]
    ),
    "reserved_effects": Gauge(
        "jobmonitor_ledger_reserved_effects",
        "Units whose effect outside the database is reserved and not recorded yet",
        ["job_type"],
    ),
    "oldest_reserved_s": Gauge(
        "jobmonitor_ledger_oldest_reserved_seconds", "How long ago the oldest of them was reserved", ["job_type"]
    ),
}
"""By the fields of :class:`jobmonitor.ledger.backlog.Backlog`. Every reconciler measures the same ledger: take the
highest of several, never their sum."""
