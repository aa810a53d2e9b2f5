"""Chunks that wait for a slot of their worker belong to nobody yet."""

import asyncio
from typing import NoReturn

from jobmonitor.processor.shares import Shares
from jobmonitor.processor.slots import Hint, Slots
from support.engine import Engine


async def test_what_waits_for_a_slot_is_not_claimed_and_another_worker_does_it(engine: Engine) -> None:
    job_id = await engine.submit(units=2, chunk_units=2)
    await engine.runner.run(job_id, 0)
    shares, bugs, heard = Shares(0), list[BaseException](), asyncio.Event()

    def crash(bug: BaseException) -> NoReturn:
        bugs.append(bug)
        raise asyncio.CancelledError

    async def run(hint: Hint) -> None:
        await engine.runner.run(hint.job_id, hint.chunk)
        heard.set()

    busy = Slots(run, crash=crash, slots=8, share=shares.of("probe"))
    async with shares.of("probe"):  # its only slot
        busy.add(Hint(1, job_id, 1))
        await asyncio.sleep(0)
        claimed = "SELECT attempt FROM ledger.chunks WHERE job_id = $1 AND chunk = 1"
        assert await engine.owner.fetchval(claimed, job_id) == 0
        await engine.runner.run(job_id, 1)  # as another worker does
        assert await engine.effects() == [0, 1]
    await asyncio.wait_for(heard.wait(), 30)
    assert await engine.owner.fetchval(claimed, job_id) == 1
    assert (bugs, await engine.effects()) == ([], [0, 1])
