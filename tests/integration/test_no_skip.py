"""Rebalances skip nothing: worker processes come, go and die under traffic on a real broker."""

from pathlib import Path
from typing import Any

from support.stream_traffic import traffic

TRIES = 3


async def lost_when_a_worker_joins(kafka: Any, folder: Path, reader: str) -> int:
    """One worker hears a steady flow and has committed nothing yet when a second joins. How many nobody heard."""
    async with traffic(kafka.bootstrap, folder, reader=reader, commit_s=30, slow_s=1) as flow:
        first = flow.start_worker()
        async with flow.flowing():
            await flow.hears(first)
            second = flow.start_worker()
            await flow.hears(second)
            await flow.hears(first)
        await flow.end_heard()
        return len(flow.lost())


async def test_nothing_is_lost_when_a_worker_joins_before_the_first_commit(kafka: Any, tmp_path: Path) -> None:
    assert await lost_when_a_worker_joins(kafka, tmp_path, "ours") == 0


async def test_faust_by_itself_loses_messages_when_a_worker_joins_before_the_first_commit(
    kafka: Any, tmp_path: Path
) -> None:
    """Shows that the test above can fail. Once this fails, Faust is mended and the remedy can go."""
    tries = [await lost_when_a_worker_joins(kafka, tmp_path / "1", "faust")]
    while not tries[-1] and len(tries) < TRIES:
        tries.append(await lost_when_a_worker_joins(kafka, tmp_path / str(len(tries) + 1), "faust"))
    assert tries[-1] > 0
