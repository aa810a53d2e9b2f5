"""Settings: one frozen type per process, read from the environment once and passed down.

A field's variable is ``JOBMONITOR_`` and its name in capitals. Nothing else of the project reads the environment.
Each process declares its own type from the groups below; docker-compose.yml is tested against the same types.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import msgspec

from jobmonitor.runtime.capacity import BadCapacity, CapacityChanges, read_changes

PREFIX = "JOBMONITOR_"
PLAIN = "PLAINTEXT"


class StartError(Exception):
    """The process cannot start as it is installed and set up; the message says in one line why, and what to do."""


class SettingsError(StartError):
    """A setting is missing or unusable; the message names the variable and what to do."""


@dataclass(frozen=True, kw_only=True)
class ProcessSettings:
    """What every process needs."""

    log_format: str = "console"
    """``console`` for people, ``json`` for machines."""
    log_level: str = "info"
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 0
    """Where ``/metrics``, ``/healthz`` and ``/readyz`` are served; 0 takes a free port and logs it."""


@dataclass(frozen=True, kw_only=True)
class KafkaSettings:
    """How to reach the broker, and as whom. docs/kafka-access.md says what each user must be allowed."""

    kafka_bootstrap: str = "127.0.0.1:9092"
    """``host:port``, several separated by commas."""
    kafka_security_protocol: Literal["PLAINTEXT", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """With SASL we authenticate; with SSL nobody on the way can read or change anything."""
    kafka_sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    kafka_username: str = ""
    kafka_password: str = field(default="", repr=False)
    """Never logged."""
    kafka_ca_file: str = ""
    """Certificates (PEM) of who may vouch for the broker, with SASL_SSL; empty trusts those of the system."""
    kafka_instance: str = ""
    """A name of this process among those of its kind, the same whenever it is started again: after a crash the broker
    then gives it its partitions back at once. Two at work under one name disturb each other. Empty: a new member each
    time, and what it read waits until the broker misses it."""
    with_probe: bool = False
    """The broker has the topics of the job type ``probe`` too; for tests, chaos runs and measurements."""
    job_type_capacity: str = ""
    """Changes to what ``jobmonitor job-types`` lists, for instance ``email-campaign.slots=2,*.tries=3``. The same for
    every process and command: it tells the partitions of topics too."""

    def __post_init__(self) -> None:
        """Raises SettingsError: they contradict each other, so that something would not be as safe as it looks."""
        _ = self.capacity_changes
        has_login, uses_sasl = bool(self.kafka_username and self.kafka_password), self.kafka_security_protocol != PLAIN
        if uses_sasl and not has_login:
            raise SettingsError(
                f"{variable_name('kafka_username')} and {variable_name('kafka_password')} are needed with "
                f"{self.kafka_security_protocol}. Set both."
            )
        if self.kafka_username and not uses_sasl:
            raise SettingsError(
                f"{variable_name('kafka_username')} is set, but with {PLAIN} no broker asks for it. "
                f"Set {variable_name('kafka_security_protocol')} to SASL_SSL."
            )
        if self.kafka_ca_file and self.kafka_security_protocol != "SASL_SSL":
            raise SettingsError(
                f"{variable_name('kafka_ca_file')} is set, but {self.kafka_security_protocol} encrypts nothing. "
                f"Set {variable_name('kafka_security_protocol')} to SASL_SSL."
            )

    @property
    def capacity_changes(self) -> CapacityChanges:
        """What ``job_type_capacity`` says. Raises SettingsError."""
        try:
            return read_changes(self.job_type_capacity)
        except BadCapacity as error:
            raise SettingsError(f"{variable_name('job_type_capacity')} cannot be read: {error}.") from error

    def partitions(self) -> dict[str, int]:
        """Those changed, by job type; ``*`` stands for every other one."""
        changes = self.capacity_changes.of_types
        return {job_type: names["partitions"] for job_type, names in changes.items() if "partitions" in names}


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings:
    """How to reach PostgreSQL, as the role this process runs under."""

    database_url: str = field(repr=False)
    """``postgresql://role:password@host:port/database``. Never logged."""
    database_pool_size: int = 5
    """Connections this process keeps at most."""


@dataclass(frozen=True, kw_only=True)
class StoreShareSettings:
    """What an account may take of the object store."""

    result_bytes_per_account: int = 50 * 1024**3
    """Of all results it keeps; beyond, no job of its begins. Told from 80 % on."""


@dataclass(frozen=True, kw_only=True)
class FairnessSettings(StoreShareSettings):
    """How accounts and jobs share the workers; the same for processors and reconcilers."""

    account_jobs_max: int = 8
    """Jobs of one account and type that are worked on at once, over all workers; the others wait in the queue."""
    stop_assembly_s: float = 30.0
    """After a stop the file of what was done may take so long; then the job ends without it."""


@dataclass(frozen=True, kw_only=True)
class ObjectStoreSettings:
    """Where result files and uploads lie."""

    object_store_url: str
    """``file:///path`` (created if missing), ``s3://bucket/prefix``, ``gs://…`` or ``az://…``."""


Settings = TypeVar("Settings")


def variable_name(field_name: str) -> str:
    """The environment variable of a settings field."""
    return PREFIX + field_name.upper()


def load(settings_type: type[Settings], environment: Mapping[str, str]) -> Settings:
    """Read the settings. Empty variables count as unset.

    Raises SettingsError: a variable without a default is unset, or a value does not fit its type.
    """
    values = {}
    for spec in dataclasses.fields(settings_type):  # type: ignore[arg-type]
        name = variable_name(spec.name)
        text = environment.get(name, "")
        if text:
            values[spec.name] = _convert(name, text, spec.type)
        elif spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
            raise SettingsError(f"{name} is not set. Set it in the environment of this process.")
    return settings_type(**values)


def _convert(name: str, text: str, wanted: object) -> object:
    try:
        return msgspec.convert(text, wanted, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"{name} cannot be read: {error}.") from error
