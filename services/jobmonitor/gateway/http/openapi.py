"""Describes the API for ``/openapi.json`` from the same types that read and write it."""

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from jobmonitor.gateway.http.problems import MEDIA_TYPE, ProblemDetails
from jobmonitor.gateway.jobs import models
from jobmonitor.gateway.uploads import models as upload_models
from jobmonitor.job_types.user_data_export.options import ExportOptions
from jobmonitor.job_types.user_data_import.options import ImportOptions

_TYPES: tuple[type, ...] = (
    models.Credentials,
    models.Session,
    models.JobTypes,
    ExportOptions,
    models.PreviewRequest,
    models.Preview,
    models.SubmissionRequest,
    models.Submitted,
    models.JobList,
    models.JobDetails,
    models.Item,
    ImportOptions,
    upload_models.Upload,
    upload_models.UploadList,
    ProblemDetails,
)
_MEANINGS = {
    400: "The request cannot be read",
    401: "Nobody is logged in, or the log-in was wrong",
    403: "Not permitted",
    404: "No such job, or none you may see",
    408: "Nothing more arrived",
    409: "Not possible as things are",
    410: "The result has expired",
    413: "The body is too large",
    415: "The body is not declared as what is taken here",
    416: "The file has no such range",
    422: "Values that cannot be used; each field at fault is named",
    429: "Too many: failed log-ins, or files kept",
    503: "Kafka, the database or the object store is away, or all places are taken; nothing was started, try again",
}
Responses = dict[int | str, dict[str, Any]]


def body(body_type: type, example: Mapping[str, Any]) -> dict[str, Any]:
    """The ``openapi_extra`` of an operation that reads this body."""
    content = {"application/json": {"schema": _reference(body_type), "example": dict(example)}}
    return {"requestBody": {"required": True, "content": content}}


def answers(status: int, answer_type: type | None, description: str, *problems: int) -> Responses:
    """The ``responses`` of an operation: how it answers when all is well, and which problems it may answer with."""
    well: dict[str, Any] = {"description": description}
    if answer_type is not None:
        well["content"] = {"application/json": {"schema": _reference(answer_type)}}
    return {status: well, **{problem: _problem(problem) for problem in problems}}


def _problem(status: int) -> dict[str, Any]:
    return {"description": _MEANINGS[status], "content": {MEDIA_TYPE: {"schema": _reference(ProblemDetails)}}}


def _reference(described: type) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{described.__name__}"}


def install(app: FastAPI) -> None:
    """Let the app describe itself, with the schemas of our types."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            _, schemas = msgspec.json.schema_components(_TYPES, ref_template="#/components/schemas/{name}")
            components = document.setdefault("components", {})
            components["schemas"] = schemas
            _drop_frameworks_refusals(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def _drop_frameworks_refusals(document: dict[str, Any]) -> None:
    """FastAPI assumes that a path's parameter can be invalid; ours are then not found."""
    for operations in document["paths"].values():
        for operation in operations.values():
            if "application/json" in operation["responses"].get("422", {}).get("content", {}):
                del operation["responses"]["422"]
