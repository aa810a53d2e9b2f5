"""Where a check looks."""

from dataclasses import dataclass, field

from jobmonitor.contract.topics import Topic
from jobmonitor.runtime.settings import KafkaSettings


@dataclass(frozen=True, kw_only=True)
class CheckSettings:
    """The servers."""

    owner_url: str = field(repr=False)
    """The database as its owner, who may see all rows: ``postgresql://owner:password@host:port/database``."""
    kafka: KafkaSettings
    object_store_url: str
    mail_folder: str = ""
    """The maildir of the mail sink; empty where there is none to read: then nothing is said about mail."""
    topics: tuple[str, ...] = ()
    """The topics of requests and facts; empty: those of the catalogue. What the projection follows is always read."""
    catalogue: tuple[Topic, ...] = ()
    """How the broker's topics should be; empty: as the catalogue says."""
