"""No job type takes a secret as a parameter: these are in Kafka, in the ledger and in the views, for ever."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from jobmonitor.contract.envelope import Event, decode, encode
from jobmonitor.contract.events import JobSubmitted
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


@pytest.mark.parametrize("name", ["token", "apiKey", "password"])
def test_a_secret_that_a_producer_published_goes_no_further(name: str) -> None:
    event = decode(_submission({"units": 1, name: "abc"}))
    assert isinstance(event.data, JobSubmitted)
    assert event.refusal is not None
    assert (event.refusal.code, event.data.parameters) == ("secret_parameter", {})


def test_names_within_parameters_may_be_any() -> None:
    """They can be those of somebody's columns."""
    parameters = {"columns": {"Token": 1}, "token_id": 7}
    event = decode(_submission(parameters))
    assert isinstance(event.data, JobSubmitted)
    assert (event.refusal, event.data.parameters) == (None, parameters)


def _submission(parameters: dict[str, Any]) -> bytes:
    data = JobSubmitted(account_id=1, owner_id=2, job_type="probe", parameters=parameters)
    return encode(Event(id="1", source="/tests", job_id=uuid4(), time=datetime.now(UTC), data=data))


def _with_field(field: str, name: str = "Parameters") -> Any:
    return msgspec.defstruct(name, [("field", str)], rename={"field": field})
