"""What stands on the wire: everything we write can be read again, and whatever is read is an event or Undecodable.

Goal: no message, however broken, ends a reader with anything else than Undecodable; each bad one then goes to the dead
letters. Method: events of every type from Hypothesis, damaged in every way a foreign producer could.
"""

import contextlib
import json
import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_structured
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given
from hypothesis import strategies as st

from jobmonitor.contract.envelope import CONTENT_TYPE, Event, Undecodable, decode, encode, type_name
from jobmonitor.contract.events import EVENT_TYPES, JobProgressed, JobSubmitted
from jobmonitor.contract.limits import REFERENCE_PATTERN, has_unseen
from support.event_strategies import JSON_VALUES, TEXT, events

PROGRESS = Event(
    id="1",
    source="/test",
    job_id=uuid4(),
    time=datetime(2026, 11, 23, 12, tzinfo=UTC),
    data=JobProgressed(account_id=1, owner_id=2, job_type="user-data-export", sequence=3, done=4, total=5),
)


@given(events())
def test_what_is_encoded_decodes_to_the_same_event(event: Event) -> None:
    assert decode(encode(event)) == event


@given(events())
def test_the_cloudevents_library_reads_the_same_event(event: Event) -> None:
    message = KafkaMessage(headers={"content-type": CONTENT_TYPE.encode()}, key=None, value=encode(event))
    seen = from_structured(message, JSONFormat())
    assert (seen.get_id(), seen.get_source(), seen.get_type()) == (event.id, event.source, type_name(event.data))
    assert (seen.get_specversion(), seen.get_subject(), seen.get_time()) == ("1.0", str(event.job_id), event.time)
    assert seen.get_data() == json.loads(encode(event))["data"]


@given(events(), st.dictionaries(TEXT.map(lambda name: f"x-{name}"), JSON_VALUES, min_size=1))
def test_fields_nobody_knows_are_ignored(event: Event, unknown: dict[str, Any]) -> None:
    message = json.loads(encode(event))
    message = {**unknown, **message, "data": {**unknown, **message["data"]}}
    assert decode(json.dumps(message).encode()) == event


@given(st.binary())
def test_any_bytes_are_undecodable_and_nothing_else(message: bytes) -> None:
    with pytest.raises(Undecodable):
        decode(message)


@given(JSON_VALUES)
def test_any_other_json_is_undecodable(value: Any) -> None:
    with pytest.raises(Undecodable):
        decode(json.dumps(value).encode())


@given(events(), st.data())
def test_a_damaged_event_is_an_event_or_undecodable(event: Event, data: st.DataObject) -> None:
    message = json.loads(encode(event))
    where = data.draw(st.sampled_from([message, message["data"]]))
    where[data.draw(st.sampled_from(sorted(where)))] = data.draw(JSON_VALUES)
    _is_event_or_undecodable(json.dumps(message).encode())


@given(events(), st.data())
def test_an_event_with_changed_bytes_is_an_event_or_undecodable(event: Event, data: st.DataObject) -> None:
    message = bytearray(encode(event))
    for position in data.draw(st.lists(st.integers(0, len(message) - 1), max_size=3)):
        message[position] = data.draw(st.integers(0, 255))
    _is_event_or_undecodable(bytes(message))


@given(events(), st.data())
def test_a_cut_off_event_is_undecodable(event: Event, data: st.DataObject) -> None:
    message = encode(event)
    with pytest.raises(Undecodable):
        decode(message[: data.draw(st.integers(0, len(message) - 1))])


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "subject", "time", "data"])
def test_a_missing_envelope_field_is_named(name: str) -> None:
    with pytest.raises(Undecodable, match=name):
        decode(_changed(lambda message: message.pop(name)))


BEYOND = (
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "1999-12-31T23:59:59.999999Z",
    "2100-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-14:00",
)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"type": "jobmonitor.job_progressed.v99"}, "Unknown event type"),
        ({"specversion": "0.3"}, "specversion"),
        ({"subject": "10001"}, "subject"),
        ({"time": "2026-11-23T12:00:00"}, "timezone"),
        *(({"time": time}, "between 2000 and 2099") for time in BEYOND),
        ({"id": ""}, "id"),
        ({"id": "a\u0000b"}, "id"),
        ({"id": "x" * 257}, "id"),
        ({"source": "/two words"}, "source"),
        ({"source": "x" * 257}, "source"),
        ({"datacontenttype": "text/plain"}, "datacontenttype"),
    ],
)
def test_each_mistake_in_the_envelope_is_told(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        decode(_changed(lambda message: message.update(change)))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account_id", 0),
        ("account_id", 2**63),
        ("sequence", 2**31),
        ("done", -1),
        ("done", "4"),
        ("job_type", "Export!"),
    ],
)
def test_a_number_no_database_column_holds_is_refused_by_its_field(field: str, value: object) -> None:
    with pytest.raises(Undecodable, match=field):
        decode(_changed(lambda message: message["data"].update({field: value})))


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8"])
def test_the_content_type_may_name_its_charset(content_type: str) -> None:
    assert decode(_changed(lambda message: message.update({"datacontenttype": content_type}))) == PROGRESS


def test_an_event_whose_attributes_are_in_headers_is_told_how_to_be_sent() -> None:
    with pytest.raises(Undecodable, match="structured mode"):
        decode(json.dumps({"account_id": 1, "owner_id": 2, "job_type": "x", "parameters": {}}).encode())


def test_a_reason_quotes_nothing_without_end() -> None:
    for change in ({"type": "x" * 10_000}, {"specversion": "y" * 10_000}, {"z" * 10_000: 1, "time": 1}):
        with pytest.raises(Undecodable) as caught:
            decode(_changed(lambda message, change=change: message.update(change)))
        assert len(str(caught.value)) <= 500


@pytest.mark.parametrize(
    ("says", "code"),
    [
        ({"run_at": "9999-12-31T23:59:59.999999Z"}, "bad_run_at"),
        ({"run_at": "0001-01-01T00:00:00Z"}, "bad_run_at"),
        ({"reference": "a\nb"}, "bad_reference"),
        ({"reference": "a\x85b"}, "bad_reference"),
        ({"reference": "a\u202eb"}, "bad_reference"),
        ({"reference": "r" * 900_000}, "bad_reference"),
        ({"reference": "a\nb", "run_at": "0001-01-01T00:00:00Z"}, "bad_run_at"),
        ({"parameters": {"x": "a\0b"}}, "nul_character"),
        ({"parameters": {"a\0b": 1}}, "nul_character"),
        ({"parameters": {"x": 2**63}}, "number_too_large"),
        ({"parameters": {"x": [-(2**63)]}}, "number_too_large"),
        ({"parameters": {"x": "y" * 20_001}}, "text_too_long"),
        ({"parameters": {f"unknown {n}": n for n in range(10_000)}}, "too_many_names"),
        ({"parameters": {"x": list(range(60_000))}}, "too_large"),
        ({"parameters": json.loads('{"x":' * 33 + "1" + "}" * 33)}, "too_deep"),
        ({"parameters": {"x": json.loads("[" * 900 + "]" * 900)}}, "too_deep"),
    ],
)
def test_a_submission_that_nobody_can_accept_is_read_without_what_is_too_much(says: dict[str, Any], code: str) -> None:
    event = decode(_submission(says))
    assert event.refusal is not None
    assert event.refusal.code == code
    assert len(event.refusal.reason) < 200
    assert isinstance(event.data, JobSubmitted)
    assert (event.data.parameters, event.data.run_at, event.data.owner_id) == ({}, None, 2)
    assert event.data.reference is None
    assert decode(encode(event)).refusal is None, "what is left can be written and read"


@pytest.mark.parametrize(
    "parameters",
    [
        json.loads('{"x":' * 32 + "1" + "}" * 32),
        {"x": 2**63 - 1, "y": "y" * 20_000, "z": 1e300},
        {"query": {"questions": [{"question": n, "value": "v" * 1000} for n in range(100)]}},
    ],
)
def test_what_real_jobs_need_is_accepted(parameters: dict[str, Any]) -> None:
    event = decode(_submission({"parameters": parameters}))
    assert event.refusal is None
    assert decode(encode(event)) == event


@pytest.mark.parametrize("reference", ["", "Spring appeal", "Größe 👩‍👩‍👧", "r" * 160])
def test_a_reference_on_one_line_is_kept_also_beside_what_is_refused(reference: str) -> None:
    for parameters in ({}, {"x": "a\0b"}):
        event = decode(_submission({"reference": reference, "parameters": parameters}))
        assert isinstance(event.data, JobSubmitted)
        assert event.data.reference == reference


@given(st.text(max_size=20))
def test_the_schemas_say_of_a_reference_what_the_code_says(text: str) -> None:
    assert (re.search(REFERENCE_PATTERN, text) is not None) == (not has_unseen(text))


def _submission(says: dict[str, Any]) -> bytes:
    data = {"account_id": 1, "owner_id": 2, "job_type": "user-data-export", "parameters": {}, **says}
    return _changed(lambda message: message.update({"type": "jobmonitor.job_submitted.v1", "data": data}))


def test_an_empty_message_and_endless_nesting_are_undecodable() -> None:
    for message in (None, b"", b"[" * 100_000, encode(PROGRESS).replace(b'"done":4', b'"x":' + b"[" * 100_000)):
        with pytest.raises(Undecodable):
            decode(message)


def test_every_event_type_has_one_name() -> None:
    assert len(set(EVENT_TYPES.values())) == len(EVENT_TYPES)
    assert all(name.startswith("jobmonitor.") and name.rsplit(".", 1)[1].startswith("v") for name in EVENT_TYPES)


def _is_event_or_undecodable(message: bytes) -> None:
    with contextlib.suppress(Undecodable):
        assert isinstance(decode(message), Event)


def _changed(change: Any) -> bytes:
    message = json.loads(encode(PROGRESS))
    change(message)
    return json.dumps(message).encode()
