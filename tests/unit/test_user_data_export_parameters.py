"""What a request for an export may say, as its schema has it."""

from typing import Any

import jsonschema_rs
import msgspec
import pytest

from jobmonitor.crm.supporter_query import SupporterQuery
from jobmonitor.job_types.user_data_export.parameters import UserDataExportParameters

SCHEMA = msgspec.json.schema(UserDataExportParameters)

GOOD: list[dict[str, Any]] = [
    {},
    {"format": "transaction", "file_type": "xls", "export_group_id": None},
    {"format": "hybrid", "hybrid_pages": [1, 2], "hybrid_questions": [3]},
    {
        "query": {
            "profiles": [1],
            "pages": [2],
            "questions": [{"question": 3}, {"question": 3, "value": "Y"}],
            "broadcasts": [{"event": "sent", "broadcasts": [4]}, {"event": "hard_bounce"}],
        }
    },
]
BAD: list[dict[str, Any]] = [
    {"format": "users"},
    {"file_type": "pdf"},
    {"fromat": "user"},
    {"export_group_id": "3"},
    {"export_group_id": 0},
    {"export_group_id": 2**63},
    {"query": {"profiles": [1.5]}},
    {"query": {"pages": list(range(1, 102))}},
    {"query": {"questions": [{"value": "Y"}]}},
    {"query": {"broadcasts": [{"event": "delivered"}]}},
    {"query": {"everybody": True}},
]


@pytest.mark.parametrize("parameters", GOOD)
def test_type_and_schema_take_what_is_good(parameters: dict[str, Any]) -> None:
    assert jsonschema_rs.is_valid(SCHEMA, parameters)
    msgspec.convert(parameters, UserDataExportParameters)


@pytest.mark.parametrize("parameters", BAD)
def test_type_and_schema_refuse_what_is_bad(parameters: dict[str, Any]) -> None:
    assert not jsonschema_rs.is_valid(SCHEMA, parameters)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(parameters, UserDataExportParameters)


def test_no_parameters_export_everybody_as_csv_of_supporters() -> None:
    params = msgspec.convert({}, UserDataExportParameters)

    assert (params.format, params.file_type, params.export_group_id) == ("user", "csv", None)
    assert params.query == SupporterQuery(profiles=[], pages=[], questions=[], broadcasts=[])


def test_every_parameter_is_explained_in_the_schema() -> None:
    properties = SCHEMA["$defs"]["UserDataExportParameters"]["properties"]

    assert {name for name, spec in properties.items() if not spec.get("description")} == set()
