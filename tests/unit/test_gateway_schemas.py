"""What the description of the API says about the job types in it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import FastAPI

from jobmonitor.crm.uploads import UploadContents
from jobmonitor.gateway.http import openapi
from jobmonitor.job_types.defaults import JobTypeDefaults
from jobmonitor.job_types.protocol import Context
from jobmonitor.job_types.registry import offered


class ProblemDetails(msgspec.Struct):
    """Called like one of the gateway's."""

    name: str


class Offer(msgspec.Struct):
    details: list[ProblemDetails]


class Column(msgspec.Struct):
    header: str


class Namesake(JobTypeDefaults[Any]):
    slug = "namesake"

    async def options(self, context: Context) -> Offer | None:
        return None

    async def columns(self, contents: UploadContents, context: Context) -> list[Column]:
        return []


def _schemas(*job_types: Any) -> dict[str, Any]:
    app = FastAPI()
    openapi.install(app, job_types)
    schemas: dict[str, Any] = app.openapi()["components"]["schemas"]
    return schemas


def _options(schemas: dict[str, Any]) -> list[str]:
    return [each["$ref"].rpartition("/")[2] for each in schemas["JobTypeOptions"]["anyOf"] if "$ref" in each]


def test_it_has_what_the_types_offer() -> None:
    schemas = _schemas(*offered())

    assert _options(schemas) == ["ExportOptions", "ImportOptions"]
    assert {"ExportOptions", "ImportOptions", "ColumnMapping"} <= schemas.keys()


def test_a_type_whose_structs_are_called_like_ours_changes_none_of_ours() -> None:
    without, schemas = _schemas(), _schemas(Namesake())

    assert schemas["ProblemDetails"] == without["ProblemDetails"]
    assert schemas["namesake.ProblemDetails"]["properties"].keys() == {"name"}
    assert _options(schemas) == ["namesake.Offer"]
    assert "namesake.Column" in schemas


def test_a_type_that_offers_nothing_has_an_empty_object() -> None:
    nothing: Sequence[Any] = [JobTypeDefaults()]
    assert _schemas(*nothing)["JobTypeOptions"]["anyOf"] == [{"type": "object", "maxProperties": 0}]
