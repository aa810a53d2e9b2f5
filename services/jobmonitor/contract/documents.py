"""The documents of ``schemas/``, made from the types: the contract as any language can read it.

Pure: each function gives a document as plain values; ``jobmonitor schemas`` writes them down.
"""

from collections.abc import Hashable, Iterable
from functools import cache
from typing import Any, cast

from jobmonitor.contract.envelope import Envelope
from jobmonitor.contract.events import EVENT_TYPES, EventData
from jobmonitor.contract.json_schema import DIALECT, Schema, schema_of, text_of
from jobmonitor.contract.topics import Topic

Document = dict[str, Any]


def file_name(event_type: str) -> str:
    """The file of an event's schema and the start of its examples' names: its type without our prefix."""
    return event_type.removeprefix("jobmonitor.")


def event_schema(event_type: str) -> Schema:
    """The schema of the whole message: envelope and data."""
    data_type = EVENT_TYPES[event_type]
    message = schema_of(Envelope)
    data = schema_of(data_type)
    parts = data.pop("$defs", {})
    message["properties"] |= {
        "specversion": {**message["properties"]["specversion"], "enum": ["1.0"]},
        "type": {"const": event_type, "description": message["properties"]["type"]["description"]},
        "data": {"$ref": f"#/$defs/{data_type.__name__}"},
    }
    return {
        "$schema": DIALECT,
        "$id": f"{event_title(event_type)}.json",
        **message,
        "title": f"{event_title(event_type)}Message",
        "description": text_of(data_type.__doc__),
        "$defs": {data_type.__name__: data, **parts},
    }


def parameters_schema(job_type: str, title: str, parameters_type: type[Any]) -> Schema:
    """The schema of ``data.parameters`` in a submission of this job type. What is in it is not to be changed."""
    schema = _schema_once(cast("Hashable", parameters_type))
    return {"$schema": DIALECT, "$id": f"{job_type}.json", **schema, "title": title}


@cache
def _schema_once(parameters_type: Any) -> Schema:
    """It takes its time, and the gateway is asked again and again."""
    return schema_of(parameters_type)


def topics_document(topics: Iterable[Topic]) -> Document:
    """The catalogue of topics."""
    return {"topics": [_topic(topic) for topic in topics]}


def _topic(topic: Topic) -> Document:
    return {
        "name": topic.name,
        "purpose": topic.purpose,
        "key": topic.key,
        "partitions": topic.partitions,
        "retention_ms": topic.retention_ms,
        "cleanup_policy": topic.cleanup_policy,
        "max_message_bytes": topic.max_message_bytes,
        "event_types": list(topic.event_types),
    }


def event_title(event_type: str) -> str:
    """The event's name in code, for instance ``JobSubmitted``."""
    data_type: type[EventData] = EVENT_TYPES[event_type]
    return data_type.__name__
