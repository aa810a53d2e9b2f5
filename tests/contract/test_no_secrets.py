"""No job type takes a secret as a parameter: these are in Kafka, in the ledger and in the views, for ever."""

from typing import Any

import msgspec
import pytest

from jobmonitor.job_types.protocol import JobType
from jobmonitor.job_types.registry import installed
from jobmonitor.job_types.secret_names import secret_fields

SECRET = """
    password Password passWord PASSWORD password2 new-password passwd pwd passphrase pass_code token accessToken
    access_token authtoken APIToken tokens secret clientSecret client_secret_value api_key apiKey APIKey apikey API-KEY
    x.api.key private_key accessKeys secretKey credential Credentials authorization Authorisation bearer sessionCookie
    jwt cvv
"""
HARMLESS = """
    token_id tokenId secret_ids credentialID upload key keys name secretary compass passport bypass author authored
    pages export_group_id idempotency tokenizer primary_key monkey
"""


@pytest.mark.parametrize("job_type", installed(), ids=lambda job_type: job_type.slug)
def test_no_parameter_of_a_job_type_looks_like_a_secret(job_type: JobType[Any]) -> None:
    assert secret_fields(job_type.params_type) == []


@pytest.mark.parametrize("name", SECRET.split())
def test_a_name_that_looks_like_a_secret_is_found(name: str) -> None:
    assert secret_fields(_with_field(name)) == [f"Parameters.{name}"]


@pytest.mark.parametrize("name", HARMLESS.split())
def test_other_names_are_left_alone(name: str) -> None:
    assert secret_fields(_with_field(name)) == []


def test_it_is_found_at_any_depth() -> None:
    inner = _with_field("token", name="Inner")
    for around in (inner, inner | None, list[inner], dict[str, inner], tuple[int, list[inner | None]]):  # type: ignore[valid-type]
        outer = msgspec.defstruct("Outer", [("login", msgspec.defstruct("Middle", [("way", around)]))])
        assert secret_fields(outer) == ["Inner.token"]


def _with_field(field: str, name: str = "Parameters") -> Any:
    return msgspec.defstruct(name, [("field", str)], rename={"field": field})
