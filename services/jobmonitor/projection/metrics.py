"""The projection's metrics."""

from datetime import UTC, datetime

from prometheus_client import Counter, Gauge, Histogram

from jobmonitor.projection.batch import Batch, ViewChanges

EVENTS = Counter(
    "jobmonitor_projection_events_total",
    "Messages dealt with, by what became of them: folded, undecodable, inapplicable",
    ["outcome"],
)
BATCH_EVENTS = Histogram(
    "jobmonitor_projection_batch_events",
    "Messages folded in one transaction",
    buckets=(1, 3, 10, 30, 100, 300, 1000, 3000, 10000),
)
FLUSH_SECONDS = Histogram(
    "jobmonitor_projection_flush_seconds",
    "Time to fold one batch into the views, commit included",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
DELAY_SECONDS = Histogram(
    "jobmonitor_projection_delay_seconds",
    "From when an event happened to when the views show it, of the last event of each batch",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600),
)
PUT_ASIDE = Counter(
    "jobmonitor_projection_put_aside_messages_total",
    "Messages that made the folding fail or end, and are among the dead letters now",
)
SKIPPED = Counter(
    "jobmonitor_projection_skipped_messages_total", "Messages deleted from the log before they were folded", ["topic"]
)
FAILURES = Counter("jobmonitor_projection_flush_failures_total", "Batches that had to be tried again", ["reason"])
LAG = Gauge("jobmonitor_projection_lag_events", "Messages not yet folded", ["topic", "partition"])
LAST_FLUSH = Gauge("jobmonitor_projection_last_flush_timestamp_seconds", "When a batch was last folded")


def note_batch(batch: Batch, changes: ViewChanges) -> None:
    """Count a batch that is in the views."""
    LAST_FLUSH.set_to_current_time()
    BATCH_EVENTS.observe(len(batch))
    PUT_ASIDE.inc(sum(rejected.unexpected for rejected in batch.undecodable))
    EVENTS.labels("undecodable").inc(len(batch.undecodable))
    EVENTS.labels("inapplicable").inc(len(changes.inapplicable))
    EVENTS.labels("folded").inc(len(batch) - len(batch.undecodable) - len(changes.inapplicable))
    if last_at := batch.last_at():
        DELAY_SECONDS.observe(max(0.0, (datetime.now(UTC) - last_at).total_seconds()))
