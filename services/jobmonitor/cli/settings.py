"""Settings of the command line, read from the same environment as the processes'."""

from dataclasses import dataclass, field

from jobmonitor.runtime.settings import KafkaSettings


@dataclass(frozen=True, kw_only=True)
class ClientSettings(KafkaSettings):
    """Where the stack is. An option on the command line goes before each of these."""

    url: str = ""
    """Address of the gateway; empty asks the local stack."""
    kafka_bootstrap: str = ""
    """``host:port`` of a broker; empty asks the local stack."""
    data_dir: str = ".data"
    """Folder of the local stack, which writes there where it listens."""


@dataclass(frozen=True, kw_only=True)
class OwnerSettings:
    """How to reach the database as its owner."""

    owner_url: str = field(repr=False)
    """``postgresql://owner:password@host:port/database``. Never logged."""


@dataclass(frozen=True, kw_only=True)
class MailSettings:
    """Where mail can be looked at."""

    mail_folder: str = ""
    """The maildir of a mail sink; empty where mail really leaves."""


@dataclass(frozen=True, kw_only=True)
class MigrateSettings(OwnerSettings):
    """The owner's login, and the passwords the processes' roles are to have."""

    worker_password: str = field(repr=False)
    projection_password: str = field(repr=False)
    gateway_password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class HealthSettings:
    """Where the process of this container answers; the same variables as the process reads itself."""

    metrics_port: int = 0
    http_port: int = 0
    """Set for the gateway only, which answers there instead."""
