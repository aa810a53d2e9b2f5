"""Settings of the processor."""

from dataclasses import dataclass

from jobmonitor.runtime.settings import (
    DatabaseSettings,
    FairnessSettings,
    KafkaSettings,
    ObjectStoreSettings,
    ProcessSettings,
)


@dataclass(frozen=True, kw_only=True)
class ProcessorSettings(ProcessSettings, KafkaSettings, DatabaseSettings, ObjectStoreSettings, FairnessSettings):
    """One process may serve any of the job types; each is a consumer group of its own, so each scales alone."""

    database_pool_size: int = 12
    """Half of them are for chunks at work."""
    job_types: str = ""
    """Slugs separated by commas; empty serves all that users are offered."""
    lease_s: float = 10.0
    """A worker that gives no sign of life for so long loses its chunk to another."""
    max_attempts: int = 5
    """Tries of one chunk before its job fails."""
    result_retention_days: int = 30
    """How long a result can be downloaded (domain rule 2.1)."""
