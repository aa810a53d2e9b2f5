"""The AsyncAPI document: all topics, the messages on them, and who sends what."""

from collections.abc import Collection

from jobmonitor.contract.documents import Document, event_title, file_name
from jobmonitor.contract.envelope import CONTENT_TYPE, TYPE_HEADER
from jobmonitor.contract.events import EVENT_TYPES, ChunkDispatched
from jobmonitor.contract.json_schema import text_of
from jobmonitor.contract.topics import DEAD_LETTERS, Topic

VERSION = "1.1.0"
"""Of the contract. A new event or field raises the second number, a new version of an event the first."""

DEAD_LETTER_HEADERS = {
    "dead-letter-position": "Topic, partition and offset of the original message, joined by slashes: its identity.",
    "dead-letter-topic": "The topic it stood on.",
    "dead-letter-partition": "The partition it stood on.",
    "dead-letter-offset": "Its offset there.",
    "dead-letter-reason": "Why it could not be decoded or applied, in words.",
    "dead-letter-process": "The process that gave it up.",
}
"""Added to the original headers; all values are UTF-8 text."""
DEAD_LETTER_OMITTED = {"dead-letter-omitted": "What of the original message is not kept, because it was too large."}
REDRIVE_HEADERS = {
    "dead-letter-redriven-position": "The position of the dead letter whose message was published again.",
    "dead-letter-redriven-by": "Who did it.",
}

DESCRIPTION = (
    "Long-running jobs people can see, stop and download. Written from Job Monitor's side: a producer of requests or a "
    "reader of facts outside it sends what is received here, and receives what is sent. All messages are CloudEvents "
    "1.0 in structured JSON; the README beside this file says how to publish one from any language."
)

_WORK = tuple(name for name, data_type in EVENT_TYPES.items() if data_type is ChunkDispatched)


def asyncapi_document(topics: Collection[Topic]) -> Document:
    """These topics with all messages and operations."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Job Monitor",
            "version": VERSION,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {"kafka": _server()},
        "channels": {_name(topic): _channel(topic) for topic in topics},
        "operations": {name: operation for topic in topics for name, operation in _operations(topic).items()},
        "components": {"messages": {**{event_title(name): _message(name) for name in EVENT_TYPES}, **_dead_letters()}},
    }


def _server() -> Document:
    return {
        "host": "{bootstrap}",
        "protocol": "kafka",
        "description": "Any Apache Kafka. The broker creates no topic by itself; the catalogue does.",
        "variables": {"bootstrap": {"default": "127.0.0.1:9092", "description": "Host and port of a broker."}},
    }


def _name(topic: Topic) -> str:
    return topic.name.replace(".", "_").replace("-", "_")


def _titles(topic: Topic) -> list[str]:
    return [event_title(name) for name in topic.event_types] or ["DeadLetter", "DeadLetterRedriven"]


def _channel(topic: Topic) -> Document:
    return {
        "address": topic.name,
        "description": f"{topic.purpose} Key: {topic.key}.",
        "messages": {title: {"$ref": f"#/components/messages/{title}"} for title in _titles(topic)},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": topic.retention_ms},
            }
        },
    }


def _operations(topic: Topic) -> Document:
    if topic.name == DEAD_LETTERS:
        return {f"send_{_name(topic)}": _operation(topic, "send", _titles(topic), "Keeps what nobody could use.")}
    if topic.event_types == _WORK:
        summary = "Spreads chunks over the workers."
        return {
            f"{action}_{_name(topic)}": _operation(topic, action, _titles(topic), summary)
            for action in ("send", "receive")
        }
    if topic.name.startswith("requests."):
        summary = "Takes requests from any producer."
        return {f"receive_{_name(topic)}": _operation(topic, "receive", _titles(topic), summary)}
    return {f"send_{_name(topic)}": _operation(topic, "send", _titles(topic), "Says what happened to the jobs.")}


def _operation(topic: Topic, action: str, titles: list[str], summary: str) -> Document:
    channel = f"#/channels/{_name(topic)}"
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{title}"} for title in titles],
    }


def _message(event_type: str) -> Document:
    data_type = EVENT_TYPES[event_type]
    return {
        "name": event_type,
        "title": data_type.__name__,
        "summary": text_of(data_type.__doc__),
        "contentType": CONTENT_TYPE,
        "headers": _headers(
            f"{data_type.__name__}Headers",
            {
                "content-type": {"const": CONTENT_TYPE},
                TYPE_HEADER: {"const": event_type, "description": "Optional: repeats the event's type."},
            },
        ),
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": {"$ref": f"./events/{file_name(event_type)}.json"},
        },
        "bindings": {"kafka": {"key": {"type": "string", "description": _key(event_type)}}},
    }


def _key(event_type: str) -> str:
    return "Job id and chunk." if event_type in _WORK else "The job id in text, as in `subject`."


def _dead_letters() -> Document:
    letter = {
        "name": "dead_letter",
        "title": "DeadLetter",
        "summary": "The original key, bytes and headers of a message, with where it stood and why it was given up.",
        "contentType": "application/octet-stream",
        "headers": _text_headers("DeadLetterHeaders", DEAD_LETTER_HEADERS, optional=DEAD_LETTER_OMITTED),
        "payload": {"title": "OriginalBytes", "description": "The original bytes, whatever they are."},
    }
    redriven = {
        "name": "dead_letter_redriven",
        "title": "DeadLetterRedriven",
        "summary": "An operator published a dead letter's message to its topic again; the message's time says when.",
        "contentType": "application/octet-stream",
        "headers": _text_headers("DeadLetterRedrivenHeaders", REDRIVE_HEADERS, optional={}),
        "payload": {"title": "NoBytes", "description": "Empty."},
    }
    return {"DeadLetter": letter, "DeadLetterRedriven": redriven}


def _text_headers(title: str, required: dict[str, str], optional: dict[str, str]) -> Document:
    described = {name: {"type": "string", "description": text} for name, text in (required | optional).items()}
    return {**_headers(title, described), "required": list(required)}


def _headers(title: str, properties: Document) -> Document:
    return {"title": title, "type": "object", "properties": properties}
