"""Settings of the gateway."""

from dataclasses import dataclass
from typing import Literal

from jobmonitor.runtime.settings import (
    DatabaseSettings,
    KafkaSettings,
    ObjectStoreSettings,
    ProcessSettings,
    StoreShareSettings,
)


@dataclass(frozen=True, kw_only=True)
class GatewaySettings(ProcessSettings, KafkaSettings, DatabaseSettings, ObjectStoreSettings, StoreShareSettings):
    """Any number of gateways may run at once; all they share is in the database.

    The gateway serves ``/metrics``, ``/healthz`` and ``/readyz`` on its own port, beside the API.
    """

    database_pool_size: int = 10
    http_host: str = "127.0.0.1"
    http_port: int = 8000
    """0 takes a free port and logs it."""
    job_types: str = ""
    """Slugs separated by commas of those it offers; empty offers all that users are meant to start."""
    allowed_hosts: str = ""
    """Names under which it is asked for, separated by commas, without ports; empty: any."""
    operations_for: Literal["everybody", "loopback"] = "loopback"
    """Who may ask for ``/metrics``, ``/readyz`` and ``/openapi.json``.

    A reverse proxy on the same machine has to be named in ``trusted_proxies``, or all behind it count as local.
    """
    trusted_proxies: str = ""
    """Addresses whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed, separated by commas; empty: nobody's.

    Limits by address are then those of the clients behind them.
    """
    demo: bool = False
    """Whether the demo's well-known password is accepted."""
    session_idle_h: int = 12
    """A session unused for so long ends; and any session a week after the log-in."""
    connections: int = 10_000
    """Of all clients; beyond, new ones are cut."""
    connections_per_address: int = 500
    """Beyond, 429, and at twice as many they are cut. An IPv6 network of 64 bits is one address."""
    requests_at_once: int = 500
    """Being answered, live streams apart; beyond, 503."""
    requests_at_once_per_session: int = 8
    """Until their answers begin; the others wait. A browser sends six at once."""
    requests_at_once_per_address: int = 32
    """The same, of all behind it."""
    line_timeout_s: float = 15
    """For a waiting request; beyond, 429."""
    head_bytes: int = 64 * 1024
    """Of a request's first line and headers; beyond, 431."""
    head_timeout_s: float = 20
    """For a request's headers to arrive; beyond, 408."""
    body_timeout_s: float = 30
    """For a body that is no upload; beyond, 408."""
    keep_alive_s: int = 30
    """An idle connection is closed after so long."""
    downloads_at_once_per_user: int = 10
    """Beyond, 429."""
    download_timeout_s: float = 6 * 3600
    """A transfer that takes longer breaks off; it can be resumed."""
    logins_waiting: int = 40
    """Log-ins whose password waits to be checked; beyond, 429."""
    logins_waiting_per_address: int = 10
    failed_logins: int = 10
    """Of an address for one e-mail address, within five minutes; beyond, 429."""
    failed_logins_per_address: int = 100
    """Of an address for all e-mail addresses, within five minutes, those apart that logged in from there before."""
    submissions_per_minute_per_user: int = 120
    """Once as many were sent at once (the burst); beyond, 429."""
    submissions_burst_per_user: int = 300
    submissions_per_minute_per_account: int = 600
    submissions_burst_per_account: int = 1500
    schedules_per_account: int = 100
    """Beyond, 429."""
    previews_at_once_per_user: int = 4
    """Counting may look through a whole account; beyond, 429."""
    streams_at_most: int = 5000
    """Open pages one process serves; beyond, 503."""
    streams_per_user: int = 50
    """Beyond, 429."""
    tokens_per_day_per_user: int = 20
    """Made, each after the one before was revoked; beyond, 429."""
    uploads_at_once: int = 32
    """Files one process takes in at the same time; beyond, 503."""
    uploads_at_once_per_account: int = 8
    uploads_at_once_per_user: int = 2
    """Beyond, 429."""
    upload_bytes_per_account: int = 2 * 1024**3
    """Of all files an account keeps; beyond, 429."""
    uploads_kept_per_user: int = 100
    """Users can delete theirs."""
    upload_timeout_s: float = 300
    """From the beginning of an upload to its last byte; beyond, 408."""
    upload_retention_days: int = 7
    """An upload is deleted after so long, at least a day; one that a job still needs, once that has ended."""
