"""The gateway's metrics."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("jobmonitor_gateway_requests_total", "Requests answered", ["method", "route", "status"])
REQUEST_SECONDS = Histogram(
    "jobmonitor_gateway_request_seconds",
    "Time to the last byte of an answer; live streams do not count",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60),
)
SUBMISSION_SECONDS = Histogram(
    "jobmonitor_gateway_submission_seconds",
    "From a valid submission to the broker's confirmation",
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)
SUBMISSIONS = Counter(
    "jobmonitor_gateway_submissions_total", "Submissions: accepted, repeated, unconfirmed", ["job_type", "outcome"]
)
PUSH_SECONDS = Histogram(
    "jobmonitor_gateway_push_seconds",
    "From accepting a batch of changes of one account to offering its frames to the open pages",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1),
)
PUSHED_AGE_SECONDS = Histogram(
    "jobmonitor_gateway_pushed_age_seconds",
    "From a job's newest event to offering it to the open pages: the whole way through Kafka and the projection",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2, 5, 30),
)
CONNECTIONS = Gauge("jobmonitor_gateway_connections", "Connections of clients open right now")
LOGINS_WAITING = Gauge("jobmonitor_gateway_logins_waiting", "Log-ins whose password waits to be checked, or is checked")
FRAMES = Counter("jobmonitor_gateway_frames_total", "Frames sent to open pages, keepalives not counted")
OPEN_STREAMS = Gauge("jobmonitor_gateway_open_streams", "Pages listening right now")
LOGINS = Counter("jobmonitor_gateway_logins_total", "Log-ins: accepted, wrong, not_permitted, throttled", ["outcome"])
RESULT_BYTES = Counter("jobmonitor_gateway_result_bytes_total", "Bytes of results handed to clients")
TRANSFERS = Counter(
    "jobmonitor_gateway_transfers_total", "Transfers of results: complete, partial, broken", ["outcome"]
)
TOKENS = Counter("jobmonitor_gateway_tokens_total", "Tokens: made, revoked, used, refused", ["outcome"])
LIMITED = Counter(
    "jobmonitor_gateway_limited_total", "Requests and connections that a limit refused; docs/limits.md", ["limit"]
)
UNREADABLE = Counter(
    "jobmonitor_gateway_unreadable_jobs_total", "Jobs left out of an answer, as a bug made them unreadable"
)
