"""CloudEvents 1.0 in structured JSON around our events: the wire format, encoded and decoded.

One message is readable alone, in any Kafka tool. The envelope follows the CloudEvents 1.0.2 specification (JSON event
format): ``specversion``, ``id``, ``source``, ``type``, ``subject`` (the job id), ``time`` and ``data``.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from jobmonitor.contract.events import EVENT_TYPES, EventData, Instant, JobSubmitted, Text, submission_refused
from jobmonitor.contract.limits import TEXT_LENGTH_MAX, Refusal, must_be_an_instant, reference_refused, shortened

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
    refusal: Refusal | None = None
    """Of a submission that nobody can accept: why. Its parameters and start are left out of ``data``, so nobody has
    to hold them; the job's owner is told. Not part of the message."""


Source = Annotated[
    str, msgspec.Meta(min_length=1, max_length=TEXT_LENGTH_MAX, pattern=r"^[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+$")
]


JsonContentType = Annotated[
    str, msgspec.Meta(max_length=40, pattern="^application/json(; ?charset=([Uu][Tt][Ff]-8))?$")
]


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A message on the wire: one CloudEvent in structured mode."""

    specversion: Literal["1.0"]
    """The version of CloudEvents."""
    id: Text
    """Unique for its source. A producer takes a fresh UUID; a fact's is ``<job id>:<sequence>``."""
    source: Source
    """Who says it: a URI reference, for instance ``/jobmonitor/gateway``. Without spaces."""
    type: str
    """The event and its version."""
    subject: UUID
    """The job id; in text also the key of requests and facts."""
    time: Instant
    """When it happened."""
    datacontenttype: JsonContentType = "application/json"
    """Always JSON in UTF-8. May be left out."""
    data: msgspec.Raw


_TYPE_NAMES = {event_type: name for name, event_type in EVENT_TYPES.items()}
_DECODERS = {name: msgspec.json.Decoder(event_type) for name, event_type in EVENT_TYPES.items()}
_envelope_decoder = msgspec.json.Decoder(Envelope)
_encoder = msgspec.json.Encoder()


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
    try:
        envelope = _envelope_decoder.decode(message)
        must_be_an_instant(envelope.time)
        decoder = _DECODERS.get(envelope.type)
        if decoder is None:
            raise Undecodable(f"Unknown event type {shortened(envelope.type, 80)!r}.")
        data = decoder.decode(envelope.data)
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, ValueError) as error:
        raise Undecodable(_in_words(message, str(error))) from error
    except RecursionError as error:
        raise Undecodable("The message is nested too deeply.") from error
    refusal = None
    if isinstance(data, JobSubmitted) and (refusal := submission_refused(data)) is not None:
        reference = None if reference_refused(data.reference or "") else data.reference
        data = msgspec.structs.replace(data, parameters={}, run_at=None, reference=reference)
    time = envelope.time.astimezone(UTC)
    return Event(id=envelope.id, source=envelope.source, job_id=envelope.subject, time=time, data=data, refusal=refusal)


def _in_words(message: bytes, problem: str) -> str:
    """The problem for whoever looks into the dead letters. Bounded: libraries quote what they met."""
    if b'"specversion"' not in message:
        problem += (
            ". The value has to be the whole CloudEvent (structured mode), not its data alone with the attributes in "
            "headers (binary mode)"
        )
    return shortened(problem)
