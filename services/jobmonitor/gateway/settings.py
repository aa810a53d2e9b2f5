"""Settings of the gateway."""

from dataclasses import dataclass

from jobmonitor.runtime.settings import DatabaseSettings, KafkaSettings, ObjectStoreSettings, ProcessSettings


@dataclass(frozen=True, kw_only=True)
class GatewaySettings(ProcessSettings, KafkaSettings, DatabaseSettings, ObjectStoreSettings):
    """Any number of gateways may run at once; all they share is in the database.

    The gateway serves ``/metrics``, ``/healthz`` and ``/readyz`` on its own port, beside the API.
    """

    database_pool_size: int = 10
    http_host: str = "127.0.0.1"
    http_port: int = 8000
    """0 takes a free port and logs it."""
    job_types: str = ""
    """Slugs separated by commas of those it offers; empty offers all that users are meant to start."""
    trusted_proxies: str = "127.0.0.1"
    """Addresses whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed, separated by commas."""
    demo: bool = False
    """Whether the demo's well-known password opens anything."""
    session_idle_h: int = 12
    """A session unused for so long ends; and any session a week after the log-in."""
    streams_at_most: int = 5000
    """Open pages one process serves; beyond, 503."""
    uploads_at_once: int = 32
    """Files one process takes in at the same time; beyond, 503."""
    uploads_at_once_per_account: int = 8
    uploads_at_once_per_user: int = 2
    """Beyond, 429."""
    uploads_kept_per_user: int = 100
    """So that nobody fills the object store; users can delete theirs."""
    upload_timeout_s: float = 300
    """From the beginning of an upload to its last byte; beyond, 408."""
    upload_retention_days: int = 7
    """An upload is deleted after so long, at least a day; one that a job still needs, once that has ended."""
