"""CloudEvents 1.0 in structured JSON around our events: what stands on the wire, encoded and decoded.

One message is readable alone, in any Kafka tool. The envelope follows the CloudEvents 1.0.2 specification (JSON event
format): ``specversion``, ``id``, ``source``, ``type``, ``subject`` (the job id), ``time`` and ``data``.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from jobmonitor.contract.events import EVENT_TYPES, EventData, Instant

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
"""The ``content-type`` header of every message (CloudEvents Kafka binding, structured mode)."""
TYPE_HEADER = "ce_type"
"""Repeats the event's type for readers that look for one kind of event: they need not decode the others. Optional: the
CloudEvents Kafka binding (3.3.3) allows it in structured mode, and messages without it are read all the same."""


class Undecodable(ValueError):
    """The bytes are no event of ours; the text says which part is wrong. Such a message goes to the dead letters."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event with its circumstances."""

    id: str
    """Unique for its ``source``. A fact's is ``<job id>:<sequence>``, so the same fact always has the same id."""
    source: str
    """Who said it, for instance ``/jobmonitor/gateway``."""
    job_id: UUID
    time: datetime
    """When it happened, UTC."""
    data: EventData


_Text = Annotated[str, msgspec.Meta(min_length=1)]


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A message as it stands on the wire: one CloudEvent in structured mode."""

    specversion: Literal["1.0"]
    """The version of CloudEvents."""
    id: _Text
    """Unique for its source. A producer takes a fresh UUID; a fact's is ``<job id>:<sequence>``."""
    source: _Text
    """Who says it: a URI reference, for instance ``/jobmonitor/gateway``."""
    type: str
    """The event and its version."""
    subject: UUID
    """The job id; in text also the key of requests and facts."""
    time: Instant
    """When it happened."""
    datacontenttype: str = "application/json"
    """Always JSON."""
    data: msgspec.Raw


_TYPE_NAMES = {event_type: name for name, event_type in EVENT_TYPES.items()}
_DECODERS = {name: msgspec.json.Decoder(event_type) for name, event_type in EVENT_TYPES.items()}
_envelope_decoder = msgspec.json.Decoder(Envelope)
_encoder = msgspec.json.Encoder()
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def type_name(data: EventData) -> str:
    """The CloudEvents ``type`` of this event."""
    return _TYPE_NAMES[type(data)]


def encode(event: Event) -> bytes:
    """The event as one structured-mode CloudEvent."""
    return _encoder.encode(
        Envelope(
            specversion="1.0",
            id=event.id,
            source=event.source,
            type=type_name(event.data),
            subject=event.job_id,
            time=event.time,
            data=msgspec.Raw(_encoder.encode(event.data)),
        )
    )


def decode(message: bytes | None) -> Event:
    """The event in these bytes. Unknown fields are ignored, so an older reader survives a newer writer.

    Raises Undecodable: no JSON, an envelope field missing or wrong, an unknown type, or data that breaks its schema.
    """
    if message is None:
        raise Undecodable("The message is empty (a tombstone); no topic is compacted.")
    if b"\\u0000" in message and _ESCAPED_NUL.search(message):  # the plain search is a hundred times faster
        raise Undecodable("The message holds a NUL character, which no database text can.")
    try:
        envelope = _envelope_decoder.decode(message)
        decoder = _DECODERS.get(envelope.type)
        if decoder is None:
            raise Undecodable(f"Unknown event type {envelope.type!r}.")
        data = decoder.decode(envelope.data)
        time = envelope.time.astimezone(UTC)
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError) as error:
        raise Undecodable(str(error)) from error
    except RecursionError as error:
        raise Undecodable("The message is nested too deeply.") from error
    return Event(id=envelope.id, source=envelope.source, job_id=envelope.subject, time=time, data=data)
