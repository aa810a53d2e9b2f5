"""Dead letters: listing them, reading one, publishing its message again."""

import asyncio
import base64
import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeAlias

import msgspec
from cyclopts import Parameter

from jobmonitor.cli.ask import confirmed
from jobmonitor.cli.errors import USAGE, CommandError, no_answer
from jobmonitor.cli.options import Injected, Json, Kafka
from jobmonitor.cli.output import at, print_json, print_line, print_table
from jobmonitor.contract.topics import DEAD_LETTERS
from jobmonitor.dead_letters import topic as letters_topic
from jobmonitor.dead_letters.kept import POSITION, KeptLetter, KeptLetters
from jobmonitor.runtime.kafka import MessageRefused
from jobmonitor.runtime.settings import KafkaSettings

NAME_LENGTH = 100

Position: TypeAlias = Annotated[str, Parameter(help="topic/partition/offset, as `jobmonitor dead-letters list` shows.")]


def list_letters(
    *,
    topic: Annotated[str | None, Parameter(help="Only messages of this topic.")] = None,
    limit: Annotated[int, Parameter(help="How many at most, newest first.")] = 50,
    json: Json = False,
    kafka: Kafka = None,
    context: Injected,
) -> None:
    """List the messages nobody could use, and who redrove which."""
    if limit < 1:
        raise CommandError("--limit must be 1 or more.", USAGE)
    letters = _read_letters(context.kafka(kafka))
    found = letters.newest_first(topic)
    if json:
        print_json({"items": [_summary(letter) for letter in found[:limit]], "total": len(found)})
        return
    _print_list(found, limit)
    if letters.strangers:
        print_line(f"Messages on the topic that are no dead letters: {letters.strangers}.")


def show_letter(position: Position, /, *, json: Json = False, kafka: Kafka = None, context: Injected) -> None:
    """Show one of them with its headers and bytes."""
    letter = _find(context.kafka(kafka), position)
    if json:
        print_json(_summary(letter) | _message(letter))
        return
    for label, value in _details(letter):
        print_line(f"{label:<12} {value}")
    for line in "" if letter.value is None else readable(letter.value).splitlines():
        print_line(line)


def redrive(
    position: Position,
    /,
    *,
    yes: Annotated[bool, Parameter(negative="", help="Do not ask.")] = False,
    again: Annotated[bool, Parameter(negative="", help="Also where it was redriven before.")] = False,
    by: Annotated[str | None, Parameter(help="Who does it, for the record. Default: your login here.")] = None,
    kafka: Kafka = None,
    context: Injected,
) -> None:
    """Publish its original bytes, key and headers to its topic again, and record who did."""
    name = _operator(by)
    broker = context.kafka(kafka)
    letter = _find(broker, position)
    if refusal := letter.why_not_redriven(again=again):
        raise CommandError(refusal)
    size_bytes = len(letter.value or b"")
    question = f"Publish the {size_bytes:,} bytes of {position} again to {letter.topic}, recorded as done by {name}?"
    if not yes and not confirmed(question):
        raise CommandError("Not redriven.")
    with _in_words(broker, letter):
        asyncio.run(letters_topic.redrive(broker, letter, name))
    print_line(f"{position} was published again to {letter.topic}, recorded as done by {name}.")


def readable(value: bytes) -> str:
    """JSON indented; other text as it is, with escapes for what is no text."""
    try:
        msgspec.json.decode(value)
        return msgspec.json.format(value, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = value.decode(errors="backslashreplace")
        return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def _read_letters(kafka: KafkaSettings, *, whole: str | None = None) -> KeptLetters:
    with _in_words(kafka):
        return asyncio.run(letters_topic.read_letters(kafka, whole=whole))


@contextmanager
def _in_words(kafka: KafkaSettings, letter: KeptLetter | None = None) -> Iterator[None]:
    """Raises CommandError for what fails inside; ``letter`` is the one that is redriven."""
    position, topic = (letter.position, letter.topic) if letter else ("", "")
    try:
        yield
    except letters_topic.TopicMissing as error:
        raise CommandError(f"Kafka has no topic {DEAD_LETTERS} yet. `jobmonitor topics --create` makes it.") from error
    except letters_topic.NoAnswer as error:
        raise no_answer(kafka) from error
    except letters_topic.MessageUnconfirmed as error:
        raise CommandError(
            f"Kafka did not confirm the message of {position}. Is topic {topic} there? Redriving it once more is safe."
        ) from error
    except letters_topic.RecordUnconfirmed as error:
        raise CommandError(
            f"{position} was published again, but Kafka did not confirm the record of it: others cannot see it."
        ) from error
    except MessageRefused as error:
        raise CommandError(f"Kafka does not take it. {error}") from error


def _find(kafka: KafkaSettings, position: str) -> KeptLetter:
    if not POSITION.fullmatch(position):
        raise CommandError(f"{position!r} is no position; it must be topic/partition/offset.", USAGE)
    letter = _read_letters(kafka, whole=position).find(position)
    if letter is None:
        raise CommandError(f"No dead letter has the position {position}. `jobmonitor dead-letters list` shows them.")
    return letter


def _operator(by: str | None) -> str:
    try:
        name = (getpass.getuser() if by is None else by).strip()
    except (OSError, KeyError):
        name = ""
    if not name or len(name) > NAME_LENGTH:
        raise CommandError(f"--by must say who does this, in at most {NAME_LENGTH} characters.", USAGE)
    return name


def _print_list(found: list[KeptLetter], limit: int) -> None:
    if not found:
        print_line("No dead letters.")
        return
    columns = ("Position", "Given up", "Process", "Redriven", "Reason")
    print_table(columns, [_row(letter) for letter in found[:limit]])
    if len(found) > limit:
        print_line(f"There are {len(found) - limit:,} more; --limit {len(found)} shows all.")


def _row(letter: KeptLetter) -> tuple[str, ...]:
    redriven = _redrives(letter)
    given_up = at(letter.at.isoformat(), "UTC")
    return letter.position, given_up, letter.process, redriven[-1] if redriven else "", letter.reason


def _redrives(letter: KeptLetter) -> list[str]:
    return [f"{at(redrive.at.isoformat(), 'UTC')} by {redrive.by}" for redrive in letter.redrives]


def _details(letter: KeptLetter) -> list[tuple[str, str]]:
    size = "too large to be kept" if letter.omitted else f"{len(letter.value or b''):,} bytes"
    return [
        ("Position", letter.position),
        ("Given up", f"{at(letter.at.isoformat(), 'UTC')} by the {letter.process}"),
        ("Reason", letter.reason),
        *(("Redriven", text) for text in _redrives(letter)),
        ("Key", "none" if letter.key is None else readable(letter.key)),
        *(("Header", f"{name}: {readable(text)}") for name, text in letter.headers),
        ("Message", size),
    ]


def _summary(letter: KeptLetter) -> dict[str, Any]:
    return {
        "position": letter.position,
        "topic": letter.topic,
        "given_up_at": letter.at,
        "process": letter.process,
        "reason": letter.reason,
        "omitted": letter.omitted,
        "redrives": [{"at": redrive.at, "by": redrive.by} for redrive in letter.redrives],
    }


def _message(letter: KeptLetter) -> dict[str, Any]:
    """The bytes in base64, because JSON holds no others."""
    return {
        "key_base64": _base64(letter.key),
        "headers": [{"name": name, "value_base64": _base64(text)} for name, text in letter.headers],
        "value_base64": _base64(letter.value),
    }


def _base64(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode()
