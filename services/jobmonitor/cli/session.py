"""Remembers who is logged in where: one session cookie per address, in a file only its owner can read."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import platformdirs


@dataclass(frozen=True, slots=True)
class SessionFile:
    """The cookies by address."""

    path: Path

    @classmethod
    def of_user(cls) -> "SessionFile":
        """The file in the user's own state folder (``XDG_STATE_HOME``)."""
        return cls(platformdirs.user_state_path("jobmonitor") / "sessions.json")

    def load(self, url: str) -> str | None:
        """The cookie for this address, if somebody logged in."""
        return self._all().get(url)

    def save(self, url: str, cookie: str | None) -> None:
        """Remember the cookie for this address; None forgets it."""
        cookies = {**self._all(), url: cookie or ""}
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.touch(mode=0o600)
        self.path.chmod(0o600)
        self.path.write_bytes(msgspec.json.encode({key: value for key, value in cookies.items() if value}))

    def _all(self) -> dict[str, str]:
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=dict[str, str])
        except (FileNotFoundError, msgspec.DecodeError):
            return {}
