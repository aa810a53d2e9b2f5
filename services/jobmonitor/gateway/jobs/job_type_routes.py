"""The HTTP addresses of job types: what can be started, and what a form can offer for it."""

from typing import Any

from fastapi import APIRouter, Response

from jobmonitor.contract.documents import parameters_schema
from jobmonitor.crm.users import Viewer
from jobmonitor.gateway.access.dependencies import ServicesDep, SignedIn, answer
from jobmonitor.gateway.access.job_types import require_start
from jobmonitor.gateway.access.policy import may_start
from jobmonitor.gateway.http.openapi import JOB_TYPE_OPTIONS, answers
from jobmonitor.gateway.http.problems import not_found
from jobmonitor.gateway.jobs import models
from jobmonitor.job_types.protocol import Context, JobType, UploadRule

router = APIRouter(prefix="/api/v1/job-types", tags=["job types"])


@router.get("", responses=answers(200, models.JobTypeList, "All job types", 401, 503))
async def list_job_types(services: ServicesDep, viewer: SignedIn) -> Response:
    """The job types, and which of them you may start."""
    return answer(models.JobTypeList(items=[_info(viewer, job_type) for job_type in services.job_types.values()]))


@router.get("/{job_type}/options", responses=answers(200, JOB_TYPE_OPTIONS, "What it offers", 401, 403, 404, 503))
async def get_options(services: ServicesDep, viewer: SignedIn, job_type: str) -> Response:
    """What a form can offer for jobs of this type: lists of what your account has. An empty object if it has none."""
    offered = services.job_types.get(job_type)
    if offered is None:
        raise not_found()
    require_start(viewer, offered)
    async with services.database.as_viewer(viewer, snapshot=True) as connection:
        context = Context(connection, services.objects, account_id=viewer.account_id, owner_id=viewer.user_id)
        options = await offered.options(context)
    return answer({} if options is None else options)


def _info(viewer: Viewer, job_type: JobType[Any]) -> models.JobTypeInfo:
    return models.JobTypeInfo(
        type=job_type.slug,
        name=job_type.title,
        unit=job_type.unit,
        stoppable=job_type.stoppable,
        permission=job_type.permission,
        may_start=may_start(viewer, job_type),
        parameters_schema=parameters_schema(job_type.slug, job_type.title, job_type.params_type),
        form=job_type.form,
        upload=None if job_type.upload is None else _upload(job_type.upload),
    )


def _upload(rule: UploadRule) -> models.UploadRule:
    return models.UploadRule(
        endings=list(rule.media_types), media_types=dict(rule.media_types), bytes_at_most=rule.bytes_max
    )
