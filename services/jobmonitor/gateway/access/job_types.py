"""The job types of this gateway, as far as a viewer may use them."""

from collections.abc import Mapping
from typing import Any

from jobmonitor.crm.users import Viewer
from jobmonitor.gateway.access.policy import may_start
from jobmonitor.gateway.http.bodies import invalid
from jobmonitor.gateway.http.problems import Problem
from jobmonitor.job_types.parameters import FieldProblem
from jobmonitor.job_types.protocol import JobType

JobTypesBySlug = Mapping[str, JobType[Any]]
"""By slug."""


def require_start(viewer: Viewer, job_type: JobType[Any]) -> None:
    """Raises Problem 403 unless the viewer may submit jobs of this type."""
    if not may_start(viewer, job_type):
        detail = f"Starting jobs of the type {job_type.title} needs the permission {job_type.permission!r}."
        raise Problem(403, detail, code="not_permitted")


def startable(job_types: JobTypesBySlug, viewer: Viewer, slug: str) -> JobType[Any]:
    """The job type that a field ``type`` names. Raises Problem: 422 there is none, 403 the viewer may not start it."""
    job_type = job_types.get(slug)
    if job_type is None:
        known = ", ".join(sorted(job_types))
        raise invalid([FieldProblem("type", f"There is no job type {slug!r}. Known are: {known}.")])
    require_start(viewer, job_type)
    return job_type
