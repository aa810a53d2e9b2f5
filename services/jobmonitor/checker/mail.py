"""I16: what the mail sink took, message by message."""

import mailbox
from pathlib import Path

from jobmonitor.checker.report import CouldNotLook, DoesNotApply, Evidence
from jobmonitor.checker.snapshot import Snapshot


def read_mail(folder: Path) -> tuple[str, ...]:
    """The names of the messages in a maildir; their addresses stay there. Raises CouldNotLook."""
    try:
        return tuple(sorted(mailbox.Maildir(folder, create=False).keys()))
    except (OSError, mailbox.Error) as error:
        raise CouldNotLook(f"The mail folder {folder} cannot be read ({error}).") from error


def mail_was_asked_for(snapshot: Snapshot, evidence: Evidence) -> None:
    """I16: no job type sends mail yet, so nobody may have got any."""
    if snapshot.mail is None:
        raise DoesNotApply("It needs the folder of the mail sink.")
    evidence.things += 1
    for name in snapshot.mail:
        evidence.things += 1
        evidence.expect(False, f"message {name}", "no message, as no job sends any", "one the mail server took")
