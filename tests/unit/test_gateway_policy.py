"""Who may see and do what: every combination of viewer and job."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from jobmonitor.crm.permissions import PERMISSIONS, permissions_of
from jobmonitor.crm.users import UserType, Viewer
from jobmonitor.gateway.access.policy import may_look, may_see, may_start
from jobmonitor.gateway.jobs.items import can_stop
from jobmonitor.gateway.jobs.records import JobRecord
from jobmonitor.job.state import State
from jobmonitor.job_types.user_data_export.job_type import UserDataExport
from support import people

JOB = JobRecord(
    view="monitor",
    job_id=UUID(int=1),
    number=1,
    account_id=1,
    owner_id=10,
    owner_name="Owner",
    zone="UTC",
    job_type="user-data-export",
    state=State.RUNNING,
    updated_at=datetime(2026, 7, 1, 12, tzinfo=UTC),
)


def viewer(
    user_type: UserType = "user", *, user_id: int = 10, account_id: int = 1, granted: str = "export jobs.view"
) -> Viewer:
    """Somebody, by default the job's owner."""
    permissions = permissions_of(user_type, granted.split(), PERMISSIONS)
    return people.viewer(user_type=user_type, user_id=user_id, account_id=account_id, permissions=permissions)


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        (viewer("user"), True),
        (viewer("admin"), True),
        (viewer("super_admin"), True),
        (viewer("user", user_id=11), False),
        (viewer("admin", user_id=11), False),
        (viewer("super_admin", user_id=11), True),
        (viewer("user", account_id=2), False),
        (viewer("admin", account_id=2), False),
        (viewer("super_admin", account_id=2), False),
        (viewer("super_admin", user_id=11, account_id=2), False),
        (viewer("user", granted="export"), False),
    ],
)
def test_who_sees_a_job(who: Viewer, sees: bool) -> None:
    assert may_see(who, JOB) is sees


def test_a_user_needs_the_permission_others_have_it() -> None:
    export = UserDataExport()

    assert may_start(viewer("user"), export)
    assert not may_start(viewer("user", granted="jobs.view reports"), export)
    assert may_start(viewer("admin", granted=""), export)
    assert may_start(viewer("super_admin", granted=""), export)
    assert not may_look(viewer("user", granted="export"))
    assert may_look(viewer("admin", granted=""))


@pytest.mark.parametrize("state", list(State))
def test_what_can_be_stopped(state: State) -> None:
    class Stoppable(UserDataExport):
        stoppable = True

    job = msgspec.structs.replace(JOB, state=state)
    under_way = state in (State.SCHEDULED, State.QUEUED, State.RUNNING, State.STOPPING)
    unknown: Any = None

    assert can_stop(job, Stoppable()) is under_way
    assert can_stop(job, UserDataExport()) is False
    assert can_stop(job, unknown) is False
