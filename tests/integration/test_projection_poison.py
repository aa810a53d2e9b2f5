"""Messages that make the projection fail or end: one is put aside, all others are folded, and nobody waits for ever."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from jobmonitor.contract.envelope import Event, encode
from jobmonitor.projection import batch as batches
from jobmonitor.projection import fold as folds
from jobmonitor.projection.metrics import PUT_ASIDE
from support.job_events import NOON, ordinary_life
from support.projecting import Views, process_environment
from support.waiting import until

KILLED = """
import os, signal, sys
from jobmonitor.projection import batch, __main__ as main
from jobmonitor.projection.settings import ProjectionSettings
from jobmonitor.runtime.process import run_process

fold = batch.fold

def deadly(row, event):
    if str(event.job_id) == sys.argv[1]:
        os.kill(os.getpid(), signal.SIGKILL)
    return fold(row, event)

batch.fold = deadly
sys.exit(run_process("projection", ProjectionSettings, os.environ, main.serve))
"""
"""A projection that one job's events end without a word, as the kernel does when memory is short."""


def _put_aside() -> float:
    return sum(sample.value for metric in PUT_ASIDE.collect() for sample in metric.samples if "_total" in sample.name)


def _failing(jobs: set[UUID], error: Exception) -> Callable[..., Any]:
    fold = folds.fold

    def failing(row: Any, event: Event) -> Any:
        if event.job_id in jobs:
            raise error
        return fold(row, event)

    return failing


async def test_a_bug_that_one_message_meets_makes_one_dead_letter_and_all_others_are_folded(
    views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    lives = [ordinary_life(views.job()) for _ in range(30)]
    poison = views.job()
    monkeypatch.setattr(batches, "fold", _failing({poison.job_id}, ZeroDivisionError("a bug")))
    before = _put_aside()
    submitted = poison.submitted()
    await views.publish([*(event for life in lives[:15] for event in life), submitted])
    await views.publish([event for life in lives[15:] for event in life])

    async with views.projecting():
        await views.caught_up()

    rows = await views.fetch("SELECT state, sequence FROM projection.job_history")
    assert [tuple(row) for row in rows] == [("completed", 8)] * 30
    assert await views.row(poison.job_id) is None
    (letter,) = await views.dead_letters()
    assert letter["value"] == encode(submitted)
    assert "ZeroDivisionError" in letter["reason"]
    assert _put_aside() == before + 1


async def test_what_cannot_be_written_is_found_among_thousands_of_others(
    views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails in the database, where only the whole batch is told to have failed."""
    await views.fetch("ALTER TABLE projection.job_monitor ADD CONSTRAINT no_poison CHECK (reference <> 'poison')")
    jobs, poisons = [views.job() for _ in range(2000)], [views.job() for _ in range(3)]
    events = [job.submitted() for job in jobs]
    for number, poison in enumerate(poisons):
        events.insert(500 * (number + 1), poison.submitted(reference="poison"))
    await views.publish(events)

    async with views.projecting():
        await views.caught_up()

    assert len(await views.fetch("SELECT FROM projection.job_monitor")) == 2000
    letters = await views.dead_letters()
    assert {UUID(letter["key"].decode()) for letter in letters} == {poison.job_id for poison in poisons}
    assert all("no_poison" in letter["reason"] for letter in letters)


async def test_a_fault_that_hits_every_message_is_no_messages_fault(
    views: Views, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = asyncio.Event()

    def broken(_row: Any, _event: Event) -> Any:
        tried.set()
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(batches, "fold", broken)
    await views.publish([views.job().submitted() for _ in range(5)])

    async def project() -> None:
        async with views.projecting() as projector:
            await tried.wait()
            await until(lambda: _has_ended(projector))

    with pytest.raises(ZeroDivisionError):
        await project()
    assert await views.dead_letters() == []
    assert [row["next_offset"] for row in await views.fetch("SELECT next_offset FROM projection.offsets")] == [0] * 8


async def _has_ended(projector: Any) -> bool:
    return projector.consumer is None and not projector.positions


async def test_a_row_somebody_broke_costs_its_own_job_only(views: Views) -> None:
    broken, sound = views.job(), views.job()
    async with views.projecting():
        await views.publish([broken.submitted(), sound.submitted()])
        await views.folded(broken.job_id)
        await views.fetch("ALTER TABLE projection.job_monitor DROP CONSTRAINT job_monitor_finite")
        await views.fetch("UPDATE projection.job_monitor SET run_at = '-infinity' WHERE job_id = $1", broken.job_id)
        queued = broken.queued()
        await views.publish([queued, sound.queued()])
        await views.caught_up()

    assert (await views.folded(sound.job_id))["sequence"] == 1
    (letter,) = await views.dead_letters()
    assert letter["value"] == encode(queued)
    assert "cannot be read" in letter["reason"]


@pytest.mark.parametrize("column", ["run_at", "updated_at", "completed_at"])
async def test_no_moment_in_the_views_can_be_infinite(views: Views, column: str) -> None:
    job = views.job()
    async with views.projecting():
        await views.publish([job.submitted()])
        await views.folded(job.job_id)

    with pytest.raises(Exception, match="job_monitor_finite"):
        await views.fetch(f"UPDATE projection.job_monitor SET {column} = 'infinity'")


async def test_a_message_that_ends_the_process_does_so_five_times_and_no_more(views: Views) -> None:
    lives = [ordinary_life(views.job()) for _ in range(40)]
    poison = views.job()
    await views.publish([event for life in lives[:20] for event in life])
    submitted = poison.submitted(run_at=NOON)
    await views.publish([submitted])
    await views.publish([event for life in lives[20:] for event in life])

    ends = 0
    while True:
        process = _start_deadly(views, poison.job_id)
        if not await _ended_or_caught_up(views, process):
            break
        assert process.returncode == -signal.SIGKILL
        ends += 1
        assert ends <= 5, "it ends one process after the other"

    process.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(process.wait, 20) == 0
    assert ends == 5
    rows = await views.fetch("SELECT state, sequence FROM projection.job_history")
    assert [tuple(row) for row in rows] == [("completed", 8)] * 40
    (letter,) = await views.dead_letters()
    assert letter["value"] == encode(submitted)
    assert "ended the process" in letter["reason"]


def _start_deadly(views: Views, job_id: UUID) -> "subprocess.Popen[bytes]":
    """In a group of its own each time: nobody has to wait until the broker misses the one before."""
    settings = views.with_settings(projection_group=f"projection-{uuid4().hex}").settings
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(job_id)], env=process_environment(settings))
    views.processes.append(process)
    return process


async def _ended_or_caught_up(views: Views, process: "subprocess.Popen[bytes]") -> bool:
    """Whether the process has ended; False once everything is folded."""
    caught_up = asyncio.ensure_future(views.caught_up())
    try:
        while not caught_up.done():
            if process.poll() is not None:
                return True
            await asyncio.sleep(0.1)
        caught_up.result()
        return False
    finally:
        caught_up.cancel()
