"""Who may see and do what: with ``crm.rights`` the only place that decides it. Row-level security enforces it again.

A User and an Admin see their own jobs; a Super Admin all of the account (domain rule 2.1). What somebody may not see
does not exist for them.
"""

from typing import Any, Protocol

from jobmonitor.crm import rights
from jobmonitor.crm.tokens import TOKEN_PERMISSION
from jobmonitor.crm.users import Viewer
from jobmonitor.job_types.protocol import JobType


class Owned(Protocol):
    """A job, as far as its visibility depends on it."""

    @property
    def account_id(self) -> int: ...

    @property
    def owner_id(self) -> int: ...


def may_look(viewer: Viewer) -> bool:
    """Whether the job monitor is open to this viewer at all."""
    return rights.may_look(viewer.permissions)


def owner_seen(viewer: Viewer) -> int | None:
    """The only owner whose jobs this viewer sees; None: every owner of the account."""
    return None if rights.sees_all(viewer.user_type) else viewer.user_id


def may_see(viewer: Viewer, job: Owned) -> bool:
    """Whether the job exists for this viewer. Who sees a job may also download its result and ask for its stop."""
    return may_look(viewer) and job.account_id == viewer.account_id and owner_seen(viewer) in (None, job.owner_id)


def may_schedule_for_system(viewer: Viewer) -> bool:
    """Whether the viewer may let jobs start by themselves that belong to the account's system user, who may do all."""
    return rights.sees_all(viewer.user_type)


def may_start(viewer: Viewer, job_type: JobType[Any]) -> bool:
    """Whether the viewer may submit jobs of this type, see what it offers and upload files for it."""
    return job_type.permission in viewer.permissions


def may_have_token(viewer: Viewer) -> bool:
    """Whether the viewer may make a token, and programs use it. Who sees a user's jobs may list and revoke tokens."""
    return TOKEN_PERMISSION in viewer.permissions
