"""Settings of the processor."""

from dataclasses import dataclass

from jobmonitor.runtime.settings import (
    DatabaseSettings,
    FairnessSettings,
    KafkaSettings,
    ObjectStoreSettings,
    ProcessSettings,
)

SILENCE_LEASES = 4


@dataclass(frozen=True, kw_only=True)
class ProcessorSettings(ProcessSettings, KafkaSettings, DatabaseSettings, ObjectStoreSettings, FairnessSettings):
    """One process may serve any of the job types; each is a consumer group of its own, so each scales alone."""

    database_pool_size: int = 0
    """0: as many as the job types served take (docs/limits.md), beside the one that keeps leases."""
    job_types: str = ""
    """Slugs separated by commas; empty serves all that users are offered. ``@light``, ``@heavy`` and ``@mail`` stand
    for the types of these workers, however many there are; a process without any idles."""
    cpu_processes: int = 2
    """At most so many at once do CPU work for the chunks of all types."""
    lease_s: float = 10.0
    """A worker that gives no sign of life for so long loses its chunk to another."""
    stop_grace_s: float = 20.0
    """At a stop of the process, chunks under way have so long to end; then they are given back to others."""
    probe_outside_url: str = ""
    """Of the service outside that jobs of the types ``probe`` and ``outside-probe`` call; for tests."""
    result_retention_days: int = 30
    """How long a result can be downloaded (domain rule 2.1)."""

    @property
    def silence_s(self) -> float:
        """After so long without a word a frozen worker's transaction is ended: who took its chunk over can go on."""
        return SILENCE_LEASES * self.lease_s
