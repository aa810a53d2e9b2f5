"""The AsyncAPI document holds by AsyncAPI's own schema, covers all there is, and points at nothing missing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from jobmonitor.contract.events import EVENT_TYPES
from jobmonitor.contract.topics import catalogue
from jobmonitor.dead_letters.kept import redrive_record
from jobmonitor.job_types.registry import slugs
from jobmonitor.runtime.dead_letters import dead_letter
from support.schema_checks import problems

SCHEMAS = Path(__file__).parents[2] / "schemas"
DOCUMENT = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text())


def test_it_is_valid_by_the_official_schema(asyncapi_schema: Any) -> None:
    assert problems(asyncapi_schema, DOCUMENT) == []


def test_the_official_schema_would_find_a_mistake(asyncapi_schema: Any) -> None:
    broken = {**DOCUMENT, "operations": {"x": {"action": "shout", "channel": {"$ref": "#/channels/dead_letters"}}}}
    assert problems(asyncapi_schema, broken) != []


def test_every_topic_is_a_channel_with_its_partitions_and_retention() -> None:
    channels = {channel["address"]: channel["bindings"]["kafka"] for channel in DOCUMENT["channels"].values()}
    assert {
        name: (kafka["partitions"], kafka["topicConfiguration"]["retention.ms"]) for name, kafka in channels.items()
    } == {topic.name: (topic.partitions, topic.retention_ms) for topic in catalogue(slugs(with_probe=False))}


def test_every_message_of_a_topic_is_sent_or_received() -> None:
    used = {
        reference for operation in DOCUMENT["operations"].values() for reference in _references(operation["messages"])
    }
    offered = {
        f"#/channels/{name}/messages/{message}"
        for name, channel in DOCUMENT["channels"].items()
        for message in channel["messages"]
    }
    assert used == offered


def test_every_event_is_a_message_and_every_reference_leads_somewhere() -> None:
    names = {message["name"] for message in DOCUMENT["components"]["messages"].values()}
    assert names == {*EVENT_TYPES, "dead_letter", "dead_letter_redriven"}
    for reference in _references(DOCUMENT):
        if reference.startswith("#/"):
            place = DOCUMENT
            for step in reference.removeprefix("#/").split("/"):
                place = place[step]
        else:
            assert (SCHEMAS / reference).is_file(), reference


def test_dead_letters_carry_the_headers_that_are_promised() -> None:
    letter = dead_letter(
        topic="jobs.user-data-export",
        partition=2,
        offset=17,
        key=b"key",
        value=b"{",
        headers=[("trace", b"1")],
        reason="Broken – as text",
        process="projection",
    )
    headers = {name: value.decode() for name, value in letter.headers}
    promised = DOCUMENT["components"]["messages"]["DeadLetter"]["headers"]
    assert set(headers) == {"trace", *promised["required"]}
    assert problems(promised, headers) == []


def test_the_record_of_a_redrive_carries_the_headers_that_are_promised() -> None:
    headers = {name: value.decode() for name, value in redrive_record("jobs.probe/0/1", "Ana").headers}
    promised = DOCUMENT["components"]["messages"]["DeadLetterRedriven"]["headers"]
    assert set(headers) == set(promised["required"])
    assert problems(promised, headers) == []


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)
