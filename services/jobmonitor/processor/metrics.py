"""The processor's metrics."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("jobmonitor_processor_requests_total", "Requests consumed", ["job_type", "request"])
SKIPPED = Counter("jobmonitor_processor_undecodable_total", "Messages that do not decode", ["topic"])
CHUNK_SECONDS = Histogram(
    "jobmonitor_processor_chunk_seconds",
    "Time to run one chunk, commit included",
    ["job_type", "kind"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60),
)
CHUNKS = Counter(
    "jobmonitor_processor_chunks_total",
    "Chunks run, by how they ended: done, lease_lost, refused, retried, gave_up",
    ["job_type", "kind", "outcome"],
)
BUGS = Counter(
    "jobmonitor_processor_job_type_bugs_total",
    "Tries of chunks that failed by a bug of the job type's own code; the log has the traceback",
    ["job_type", "kind"],
)
CHUNKS_IN_FLIGHT = Gauge("jobmonitor_processor_chunks_in_flight", "Chunks being run right now", ["job_type"])
LAG = Gauge("jobmonitor_processor_lag_events", "Messages not yet acknowledged", ["topic", "partition"])
PUT_ASIDE = Counter(
    "jobmonitor_processor_put_aside_messages_total",
    "Requests that ended their worker again and again, and are among the dead letters now",
    ["topic"],
)
