"""What commands print: tables and lines for people, JSON for programs."""

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from jobmonitor.cli.streams import is_unicode

Item = dict[str, Any]
"""A job as the gateway shows it."""

ENDED_WELL = ("completed", "completed_with_errors")
ENDED = (*ENDED_WELL, "failed", "cancelled")

WIDTH_OF_A_FILE = 240
"""Columns of the output where it goes to no terminal."""

console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)


def print_json(value: Any) -> None:
    """One JSON document, indented; where not every character can be written, with JSON's escapes for those."""
    text = json.dumps(msgspec.to_builtins(value), indent=2, ensure_ascii=False)
    if not (is_unicode() and _is_text(text)):
        text = json.dumps(msgspec.to_builtins(value), indent=2)
    print(text)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table as wide as its content; nothing is cut off when the output goes to a file."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_plain(cell)) for cell in row))
    console.print(table)


def print_line(text: str) -> None:
    """One line, printed as it is."""
    print(_plain(text))


def at(instant: str | None, zone: str) -> str:
    """A time as people in this zone write it, with the zone's abbreviation in force; empty for none."""
    if instant is None:
        return ""
    return datetime.fromisoformat(instant).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S %Z")


def job_name(item: Item) -> str:
    """What the job is called on a command line: its Job#, or its id for the moment until it has one."""
    return str(item["number"] or item["id"])


def job_title(item: Item) -> str:
    """The name of the type, the user's reference in brackets behind it."""
    return f"{item['name']} ({item['reference']})" if item["reference"] else str(item["name"])


def progress(item: Item) -> str:
    """``40 %, 2,000 of 5,000 supporters``."""
    done = item["progress"]
    amount = f", {done['done']:,} of {done['total']:,} {done['unit'] or 'units'}" if done["total"] else ""
    return f"{done['percent']} %{amount}"


def summary(item: Item) -> str:
    """How the job stands, in one line."""
    state = str(item["state"]).replace("_", " ")
    if item["failure"]:
        return f"{state}: {item['failure']['reason']}"
    if item["rejected"]:
        return f"{state}, {item['rejected']:,} refused, {progress(item)}"
    waits = f", waits for {item['waits_for']}" if item["waits_for"] else ""
    return f"{state}, {progress(item)}{waits}"


def _plain(text: str) -> str:
    """Without control characters: names and reasons come from elsewhere and must not steer the terminal."""
    return "".join(character if character.isprintable() or _is_byte(character) else " " for character in text)


def _is_byte(character: str) -> bool:
    """Whether it stands for a byte of a file's name that is not UTF-8, as the operating system's names may have."""
    return "\udc80" <= character <= "\udcff"


def _is_text(text: str) -> bool:
    return not any(map(_is_byte, text))
