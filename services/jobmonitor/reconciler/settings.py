"""Settings of the reconciler."""

from dataclasses import dataclass

from jobmonitor.runtime.settings import (
    DatabaseSettings,
    FairnessSettings,
    KafkaSettings,
    ObjectStoreSettings,
    ProcessSettings,
    SettingsError,
    variable_name,
)

RETENTION = (
    "report_retention_days",
    "run_retention_days",
    "history_retention_months",
    "row_outcome_retention_days",
)
"""The settings that say how long something is kept; docs/retention.md tells what happens then."""


@dataclass(frozen=True, kw_only=True)
class ReconcilerSettings(ProcessSettings, KafkaSettings, DatabaseSettings, ObjectStoreSettings, FairnessSettings):
    """Any number of reconcilers may run; they share the work by row locks."""

    database_pool_size: int = 8
    """Its tasks go on side by side, and one that is slow keeps its connection."""
    reconcile_every_s: float = 1.0
    schedules_every_s: float = 1.0
    """Pause between two looks for schedules whose time has come."""
    untaken_after_s: float = 10.0
    """A request in the view that was seen waiting for so long is published again."""
    unclaimed_after_s: float = 30.0
    """A chunk that was dispatched and not claimed for so long is dispatched again."""
    outbox_after_s: float = 2.0
    """Messages left in the outbox for so long are sent by the reconciler."""
    orphan_sweep_every_s: float = 3600.0
    """Pause between two looks through all files for those that no job needs."""
    report_retention_days: int = 30
    """How long the report of a failed job can be fetched (domain rule 2.1)."""
    run_retention_days: int = 30
    """How long the run of a job is kept after its result expired, or after its end where it has none. Its id stays."""
    history_retention_months: int = 24
    """How long a job is kept in the history, and its timeline, after its end and that of the month it began in."""
    row_outcome_retention_days: int = 90
    """How long is kept what became of each row of an import, after the end of the month in which it was written."""

    def __post_init__(self) -> None:
        """Raises SettingsError: something would be dropped before it is old."""
        super().__post_init__()
        for name in RETENTION:
            if getattr(self, name) < 1:
                raise SettingsError(
                    f"{variable_name(name)} is {getattr(self, name)}: it is how long something is kept. Set 1 or more."
                )
