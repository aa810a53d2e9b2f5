"""A mail server for the demo: takes every message, sends none, keeps all as files (a maildir).

The stack runs it as a process of its own: ``python -m jobmonitor.local.mail_sink``.
"""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP

from jobmonitor.local.ports import HOST
from jobmonitor.runtime.settings import SettingsError, load


@dataclass(frozen=True, kw_only=True)
class MailSinkSettings:
    """Where it listens and keeps what it gets."""

    smtp_port: int
    mail_folder: str


async def serve(settings: MailSinkSettings) -> None:
    """Take mail until a signal asks to stop."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    handler = Mailbox(_maildir(Path(settings.mail_folder)))
    server = await loop.create_server(lambda: SMTP(handler, enable_SMTPUTF8=True), HOST, settings.smtp_port)
    async with server:
        await ended.wait()


def _maildir(folder: Path) -> Path:
    """Whole: Python makes the folders of a maildir only together with the one around them."""
    for name in ("cur", "new", "tmp"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def main() -> int:
    """Read the settings and serve. Returns the exit status."""
    try:
        settings = load(MailSinkSettings, os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    asyncio.run(serve(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
