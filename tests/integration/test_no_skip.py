"""Rebalances skip nothing: worker processes come, go and die under traffic on a real broker."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.stream_traffic import ROOT, traffic

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


async def test_partitions_added_and_a_worker_leaving_lose_nothing_and_hardly_repeat(kafka: Any, tmp_path: Path) -> None:
    async with traffic(kafka.bootstrap, tmp_path) as flow:
        staying, leaving = flow.start_worker(), flow.start_worker()
        async with flow.flowing():
            await flow.hears(staying)
            await flow.hears(leaving)
            await flow.add_partitions(8)
            leaving.terminate()
            assert await asyncio.to_thread(leaving.wait, 30) == 0
            await flow.hears(staying)
        await flow.end_heard()
        assert flow.lost() == set()
        # What was acknowledged is committed at once; only a commit that fails is made good by repeating.
        assert flow.repeated() < len(flow.sent) / 20


async def test_messages_that_expired_unheard_do_not_stop_the_ones_behind_them(kafka: Any, tmp_path: Path) -> None:
    """The committed offsets lie before the beginning of the log: a hole that is none of Faust's making."""
    async with traffic(kafka.bootstrap, tmp_path) as flow:
        away = flow.start_worker()
        async with flow.flowing():
            await flow.hears(away)
            away.terminate()
            assert await asyncio.to_thread(away.wait, 30) == 0
            await flow.expire()
            back = flow.start_worker()
            await flow.hears(back)
        await flow.end_heard()
        assert flow.lost() == set()


async def test_workers_killed_under_traffic_lose_nothing(kafka: Any, tmp_path: Path) -> None:
    async with traffic(kafka.bootstrap, tmp_path, slow_s=0.25, session_s=3) as flow:
        oldest, other = flow.start_worker(), flow.start_worker()
        async with flow.flowing():
            await flow.hears(oldest)
            await flow.hears(other)
            for _ in range(3):
                oldest.kill()
                oldest, other = other, flow.start_worker()
                await flow.hears(other)
        await flow.end_heard()
        assert flow.lost() == set()


def test_a_process_with_untested_libraries_refuses_in_one_line_and_says_what_it_expects(tmp_path: Path) -> None:
    installed = tmp_path / "aiokafka-0.13.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: aiokafka\nVersion: 0.13.0\n")
    started = subprocess.run(
        [sys.executable, "-m", "jobmonitor.processor"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT / 'services'}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert started.returncode != 0
    assert started.stderr.count("\n") == 1
    assert "finds aiokafka 0.13.0" in started.stderr
    assert "faust-streaming 0.15.3 and aiokafka 0.14.0" in started.stderr
