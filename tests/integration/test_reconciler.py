"""The reconciler's rounds over a real ledger: what they count as mended, which operators are called for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from jobmonitor.reconciler.__main__ import Rounds
from jobmonitor.reconciler.duties import Duties
from jobmonitor.reconciler.settings import ReconcilerSettings
from support.engine import Engine, open_engine
from support.servers import Database
from support.waiting import until


@pytest.fixture
async def engine(database: Database, kafka: object, tmp_path: Path) -> AsyncIterator[Engine]:
    async with open_engine(database, kafka, tmp_path) as engine:
        yield engine


def counted(what: str, duty: str) -> float:
    return REGISTRY.get_sample_value(f"jobmonitor_reconciler_{what}_total", {"duty": duty}) or 0.0


async def test_ordinary_work_is_tidied_and_only_a_loss_is_mended(engine: Engine) -> None:
    job_id = await engine.submit(units=4)
    await engine.run_to_end(job_id)
    await engine.owner.execute(
        "INSERT INTO ledger.outbox (topics, keys, values, types, send_after) "
        "VALUES ('{work.probe}', '{left}', '{x}', '{x}', now() - interval '1 hour')"
    )
    swept, sent = counted("tidied", "sweep_parts"), counted("mended", "send_leftover_messages")
    settings = ReconcilerSettings(
        database_url=engine.settings.database_url, object_store_url=engine.settings.object_store_url
    )
    rounds = Rounds(Duties(engine.ledger, engine.producer, engine.objects, settings), every_s=0.01)

    going = asyncio.create_task(rounds.go_on())

    async def all_done() -> bool:
        return (counted("tidied", "sweep_parts"), counted("mended", "send_leftover_messages")) == (swept + 1, sent + 1)

    await until(all_done)
    going.cancel()
    with suppress(asyncio.CancelledError):
        await going
    assert counted("mended", "sweep_parts") == 0
    assert rounds.check().ok
