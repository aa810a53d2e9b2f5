"""Settings of the local stack."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class LocalSettings:
    """Where the stack keeps its things and listens. All other settings go to the processes as they are."""

    data_dir: str = ".data"
    tools_dir: str = ".tools"
    """Downloads that can be had again: Kafka's jars."""
    maven_url: str = ""
    """Another Maven repository to take the jars from."""
    http_port: int = 8000
    """Where the page is served; the next free port if it is taken. 0 takes any."""
    demo_supporters: int = 5_000
    """Of the first account, when the data is made; up to a million."""
    with_probe: bool = False
    """With the topics of the job type ``probe``; which types a processor serves is a setting of its own."""

    job_type_capacity: str = ""
    """As for every process: it tells how many partitions the topics have."""

    @property
    def data_folder(self) -> Path:
        return Path(self.data_dir).absolute()

    @property
    def tools_folder(self) -> Path:
        return Path(self.tools_dir).absolute()
