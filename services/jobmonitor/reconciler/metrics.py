"""The reconciler's metrics."""

from prometheus_client import Counter, Gauge, Histogram

MENDED = Counter(
    "jobmonitor_reconciler_mended_total",
    "What had to be mended, by duty: a rising rate means that something keeps getting lost",
    ["duty"],
)
TIDIED = Counter(
    "jobmonitor_reconciler_tidied_total",
    "Ordinary work of the reconciler, by duty: jobs started when due, files of ended jobs deleted",
    ["duty"],
)
ROUND_SECONDS = Histogram("jobmonitor_reconciler_round_seconds", "Time of one round of a duty", ["duty"])
LAST_ROUND = Gauge(
    "jobmonitor_reconciler_last_round_timestamp_seconds", "When the last round of a duty ended well", ["duty"]
)
