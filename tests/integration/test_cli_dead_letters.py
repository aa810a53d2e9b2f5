"""``jobmonitor dead-letters`` with the real broker: what was kept is found, read, published again, and that is seen."""

import base64
import json
import os
import pty
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest_asyncio
from aiokafka import AIOKafkaProducer

from jobmonitor.cli.errors import FAILED, USAGE
from jobmonitor.contract.topics import DEAD_LETTERS
from jobmonitor.local.kafka import KafkaServer
from jobmonitor.runtime.dead_letters import DeadLetter, dead_letter
from jobmonitor.runtime.kafka import Producer
from support.brokers import broker_at
from support.engine import create_topics, read_records

SERVICES = Path(__file__).parents[2] / "services"
KEY, VALUE = b"one job", b'{"id":"event-1","data":[1,2]}'
HEADERS = [("content-type", b"application/json"), ("trace", b"\xff\x00"), ("trace", b"2")]


@dataclass
class Shelf:
    """A topic of the test's own, and the letters kept of its messages."""

    bootstrap: str
    topic: str

    async def bad_message(self, value: bytes = VALUE, *, omitted: bool = False) -> str:
        """Publish it, give it up as the processes do; returns its position."""
        bare = AIOKafkaProducer(bootstrap_servers=self.bootstrap)
        await bare.start()
        sent = await bare.send_and_wait(self.topic, value, key=KEY, headers=HEADERS, partition=0)
        await bare.stop()
        letter = self.letter(sent.offset, value)
        await self.keep(letter.by_position() if omitted else letter)
        return f"{self.topic}/0/{sent.offset}"

    def letter(self, offset: int, value: bytes) -> DeadLetter:
        return dead_letter(
            topic=self.topic,
            partition=0,
            offset=offset,
            key=KEY,
            value=value,
            headers=HEADERS,
            reason="No such event",
            process="projection",
        )

    async def keep(self, letter: DeadLetter) -> None:
        producer = Producer(broker_at(self.bootstrap))
        await producer.start()
        await producer.send_dead_letter(letter)
        await producer.stop()

    async def messages(self) -> list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]]:
        return [
            (record.key, record.value, list(record.headers))
            for record in sorted(await read_records(self.bootstrap, self.topic), key=lambda record: record.timestamp)
        ]

    def run(self, *arguments: object, stdin: Any = subprocess.DEVNULL) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "jobmonitor.cli", "dead-letters", *map(str, arguments)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SERVICES), "JOBMONITOR_KAFKA_BOOTSTRAP": self.bootstrap},
            stdin=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def listed(self, *options: object) -> Any:
        return json.loads(self.run("list", "--topic", self.topic, "--json", *options).stdout)


@pytest_asyncio.fixture
async def shelf(kafka: KafkaServer) -> Shelf:
    topic = f"jobs.t{uuid4().hex}"
    await create_topics(kafka.bootstrap, topic, DEAD_LETTERS)
    return Shelf(kafka.bootstrap, topic)


def _positions(listed: Any) -> Sequence[str]:
    return [item["position"] for item in listed["items"]]


async def test_letters_are_listed_newest_first_once_each_up_to_the_limit(shelf: Shelf) -> None:
    first, second = await shelf.bad_message(), await shelf.bad_message()
    await shelf.keep(shelf.letter(int(first.rsplit("/", 1)[1]), VALUE))
    assert _positions(shelf.listed()) == [second, first]
    limited = shelf.listed("--limit", 1)
    assert (_positions(limited), limited["total"]) == ([second], 2)
    table = shelf.run("list", "--topic", shelf.topic, "--limit", 1).stdout
    assert all(text in table for text in (second, "projection", "No such event", "--limit 2 shows all"))
    assert first not in table
    assert shelf.run("list", "--topic", "jobs.nobody").stdout == "No dead letters.\n"


async def test_a_letter_is_shown_with_its_message_for_people_and_for_programs(shelf: Shelf) -> None:
    position = await shelf.bad_message()
    shown = shelf.run("show", position).stdout
    assert all(text in shown for text in (position, "No such event", "one job", r"trace: \xff\x00", "29 bytes"))
    assert '\n  "id": "event-1",\n' in shown
    told = json.loads(shelf.run("show", position, "--json").stdout)
    assert base64.b64decode(told["value_base64"]) == VALUE
    assert base64.b64decode(told["key_base64"]) == KEY
    assert [(header["name"], base64.b64decode(header["value_base64"])) for header in told["headers"]] == HEADERS
    binary = await shelf.bad_message(b"\x00\x1b[2J\xff")
    assert r"\x00\x1b[2J\xff" in shelf.run("show", binary).stdout


async def test_a_redriven_message_arrives_again_as_it_was_and_everybody_sees_by_whom(shelf: Shelf) -> None:
    position = await shelf.bad_message()
    assert shelf.run("redrive", position).returncode == USAGE  # nobody can be asked
    assert len(await shelf.messages()) == 1
    done = shelf.run("redrive", position, "--yes", "--by", "Ana")
    assert (done.returncode, done.stderr) == (0, "")
    assert await shelf.messages() == [(KEY, VALUE, HEADERS)] * 2
    [item] = shelf.listed()["items"]
    assert [redrive["by"] for redrive in item["redrives"]] == ["Ana"]
    redriven_at, given_up_at = (
        datetime.fromisoformat(text) for text in (item["redrives"][0]["at"], item["given_up_at"])
    )
    assert redriven_at >= given_up_at
    for arguments in (("list", "--topic", shelf.topic), ("show", position)):
        assert "UTC by Ana" in shelf.run(*arguments).stdout


async def test_a_second_redrive_is_refused_unless_it_is_meant(shelf: Shelf) -> None:
    position = await shelf.bad_message()
    assert shelf.run("redrive", position, "--yes", "--by", "Ana").returncode == 0
    refused = shelf.run("redrive", position, "--yes", "--by", "Ben")
    assert refused.returncode == FAILED
    assert f"{position} was redriven by Ana" in refused.stderr
    assert len(await shelf.messages()) == 2
    assert shelf.run("redrive", position, "--yes", "--by", "Ben", "--again").returncode == 0
    assert len(await shelf.messages()) == 3
    [item] = shelf.listed()["items"]
    assert [redrive["by"] for redrive in item["redrives"]] == ["Ana", "Ben"]


async def test_at_a_terminal_it_is_asked_once_and_no_changes_nothing(shelf: Shelf) -> None:
    position = await shelf.bad_message()
    ours, theirs = pty.openpty()
    try:
        os.write(ours, b"n\n")
        refused = shelf.run("redrive", position, "--by", "Ana", stdin=theirs)
        assert refused.returncode == FAILED
        assert refused.stdout.count(f"Publish the 29 bytes of {position} again to {shelf.topic}") == 1
        assert len(await shelf.messages()) == 1
        os.write(ours, b"y\n")
        assert shelf.run("redrive", position, "--by", "Ana", stdin=theirs).returncode == 0
    finally:
        os.close(ours)
        os.close(theirs)
    assert len(await shelf.messages()) == 2


async def test_what_cannot_be_redriven_is_refused_in_one_line(shelf: Shelf) -> None:
    omitted = await shelf.bad_message(omitted=True)
    wrong = [
        (omitted, FAILED, "too large to be kept"),
        (f"{shelf.topic}/0/999", FAILED, "No dead letter has the position"),
        ("17", USAGE, "topic/partition/offset"),
    ]
    for position, status, words in wrong:
        refused = shelf.run("redrive", position, "--yes", "--again")
        assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (status, "", 1)
        assert words in refused.stderr
    assert len(await shelf.messages()) == 1
    assert "too large to be kept" in shelf.run("show", omitted).stdout
