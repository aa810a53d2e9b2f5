"""Whose fault it is that a batch fails: a message's only if a made-up job does not fail the same way."""

import asyncio
from collections.abc import Iterator
from typing import Any, cast

import asyncpg
import pytest

from jobmonitor.contract.envelope import encode
from jobmonitor.contract.topics import jobs_topic
from jobmonitor.projection.batch import Batch, ViewChanges, read
from jobmonitor.projection.folding import TRIES_BEFORE_DOUBT, Folding, Retries
from jobmonitor.projection.offsets import Partition, Position
from jobmonitor.projection.store import Store
from jobmonitor.runtime.backoff import Backoff
from support.job_events import JobEvents
from support.projecting import Read

TOPIC = jobs_topic("user-data-export")
AWAY = asyncpg.CannotConnectNowError("the database system is not yet accepting connections")


class Server:
    """Stands for the store of a server that is away for so many calls, and of one message that it never takes."""

    def __init__(self, away: int = 0, poison: bytes | None = None) -> None:
        self._away = iter(range(away))
        self._poison = poison
        self.folded: list[bytes | None] = []
        self.kept: list[str] = []

    async def flush(self, batch: Batch, places: Any) -> ViewChanges:
        self._answer()
        if any(message.value == self._poison for message in batch.messages) and not batch.undecodable:
            raise AWAY
        self.folded += [message.value for message in batch.messages if not batch.undecodable]
        self.kept += [rejected.reason for rejected in batch.undecodable]
        return ViewChanges()

    async def rehearse(self, job_type: str) -> None:
        self._answer()

    def _answer(self) -> None:
        if next(self._away, None) is not None:
            raise AWAY


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(Backoff, "pause_s", lambda *_: 0.0)
    return iter(())


async def fold(server: Server, values: list[bytes]) -> None:
    batch = read([Read(TOPIC, 0, offset, b"", value) for offset, value in enumerate(values)])
    retries = Retries(asyncio.Event())
    work = Folding(cast("Store", server), retries, "user-data-export", lambda *_: None)
    await work.fold(batch, {Partition(TOPIC, 0): Position(1, len(values))})


@pytest.mark.parametrize("messages", [1, 2, 5])
async def test_a_server_that_is_away_for_long_makes_no_dead_letter(messages: int) -> None:
    values = [encode(JobEvents().queued()) for _ in range(messages)]
    for away in range(5 * TRIES_BEFORE_DOUBT):
        server = Server(away)
        await fold(server, values)
        assert (server.folded, server.kept) == (values, [])


async def test_a_message_that_fails_where_made_up_jobs_do_not_is_put_aside_and_others_are_folded() -> None:
    values = [encode(JobEvents().queued()) for _ in range(5)]
    server = Server(poison=values[2])
    await fold(server, values)
    assert server.folded == [*values[:2], *values[3:]]
    (reason,) = server.kept
    assert "cannot be folded" in reason
