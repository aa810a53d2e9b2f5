"""Settings of the projection."""

from dataclasses import dataclass

from jobmonitor.contract.topics import view_topics
from jobmonitor.job_types.registry import slugs
from jobmonitor.runtime.settings import DatabaseSettings, KafkaSettings, ProcessSettings


@dataclass(frozen=True, kw_only=True)
class ProjectionSettings(ProcessSettings, KafkaSettings, DatabaseSettings):
    """Several processes share the topics' partitions; all with the same group keep the same views."""

    database_pool_size: int = 3
    """Two to write, one to answer whether the database is there."""
    projection_group: str = "jobmonitor-projection"
    projection_topics: str = ""
    """Topics separated by commas; empty follows the requests and the facts of every job type that is installed."""
    projection_batch_events: int = 50_000
    """Most messages folded at once, in two transactions of different partitions; as many gather meanwhile. So many are
    folded only when many wait."""
    projection_batch_bytes: int = 32 * 1024 * 1024
    """The same in bytes, for messages that are large."""
    projection_ready_lag_events: int = 10_000
    """With more messages than these still to fold the views are too old to be called ready."""

    def topics(self) -> list[str]:
        """The topics to follow."""
        named = [topic.strip() for topic in self.projection_topics.split(",") if topic.strip()]
        return named or [topic for slug in slugs(with_probe=self.with_probe) for topic in view_topics(slug)]
