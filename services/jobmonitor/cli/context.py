"""What a command knows besides its options: the environment, and through it where the stack is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import msgspec

from jobmonitor.cli.errors import USAGE, CommandError
from jobmonitor.cli.settings import ClientSettings, OwnerSettings
from jobmonitor.cli.stack_note import StackNote, note_path, read_note
from jobmonitor.runtime.settings import KafkaSettings, SettingsError, load, variable_name

Settings = TypeVar("Settings")


@dataclass(frozen=True, slots=True)
class CommandContext:
    """The environment of one command."""

    environment: Mapping[str, str]

    def settings(self, settings_type: type[Settings]) -> Settings:
        """Read settings. Raises CommandError where one is missing or wrong."""
        try:
            return load(settings_type, self.environment)
        except SettingsError as error:
            raise CommandError(str(error), USAGE) from error

    def http_url(self, option: str | None) -> tuple[str, bool]:
        """The gateway's address, and whether it is a demo that anybody may log into."""
        url = option or self.settings(ClientSettings).url
        stack = self._local_stack()
        if not url and stack is None:
            raise CommandError("No stack is known here. Give --url, set JOBMONITOR_URL, or run `make up`.", USAGE)
        url = (url or (stack.http_url if stack else "")).rstrip("/")
        if not url.startswith(("http://", "https://")):
            raise CommandError(f"{url!r} is no web address; it must start with http:// or https://.", USAGE)
        return url, stack is not None and stack.demo and url == stack.http_url.rstrip("/")

    def kafka(self, option: str | None) -> KafkaSettings:
        """How to reach the broker; the local stack's asks nobody who they are. Raises CommandError."""
        settings = self.settings(ClientSettings)
        if bootstrap := option or settings.kafka_bootstrap:
            return replace(settings, kafka_bootstrap=bootstrap)
        stack = self._local_stack()
        if stack is None:
            raise CommandError(
                "No broker is known here. Give --kafka, set JOBMONITOR_KAFKA_BOOTSTRAP, or run `make up`.", USAGE
            )
        return KafkaSettings(
            kafka_bootstrap=stack.kafka_bootstrap,
            with_probe=settings.with_probe,
            job_type_capacity=settings.job_type_capacity,
        )

    def owner_url(self) -> str:
        """The database as its owner, the local stack's where no other is named. Raises CommandError."""
        if not self.asks_the_local_stack:
            return self.settings(OwnerSettings).owner_url
        stack = self._local_stack()
        if stack is None or not stack.owner_url:
            raise CommandError("No database is known here. Set JOBMONITOR_OWNER_URL, or run `make up`.", USAGE)
        return stack.owner_url

    @property
    def asks_the_local_stack(self) -> bool:
        """Whether ``owner_url`` is the local stack's."""
        return not self.environment.get(variable_name("owner_url"))

    @property
    def data_folder(self) -> Path:
        """The local stack's."""
        return Path(self.settings(ClientSettings).data_dir).absolute()

    def _local_stack(self) -> StackNote | None:
        try:
            return read_note(self.data_folder)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise CommandError(f"{note_path(self.data_folder)} cannot be read: {error}.") from error
