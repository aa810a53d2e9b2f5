"""When a worker is ready: it is a member of its group that reads, with or without partitions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, NoReturn

import pytest
from aiokafka import AIOKafkaProducer

from jobmonitor.processor import worker as worker_module
from jobmonitor.processor.worker import Worker
from support.engine import PARTITIONS, Engine
from support.waiting import until


@asynccontextmanager
async def running_worker(engine: Engine, folder: Path, bugs: list[BaseException]) -> AsyncIterator[Worker]:
    def crash(bug: BaseException) -> NoReturn:
        bugs.append(bug)
        raise asyncio.CancelledError

    folder.mkdir()
    worker = Worker(
        engine.probe,
        engine.settings,
        engine.ledger,
        engine.producer,
        engine.objects,
        data_folder=folder,
        crash=crash,
    )
    await worker.start()
    try:
        yield worker
    finally:
        # After a crash nobody stops a real worker, its process has ended; here what it was doing may end as cancelled.
        with suppress(asyncio.CancelledError) if bugs else nullcontext():
            await worker.stop()


async def test_a_worker_beyond_the_number_of_partitions_is_ready_too(engine: Engine, tmp_path: Path) -> None:
    """Else a rollout that starts the new ones first would never get on."""
    async with AsyncExitStack() as stack:
        workers = [
            await stack.enter_async_context(running_worker(engine, tmp_path / f"faust-{number}", []))
            for number in range(PARTITIONS + 1)
        ]

        async def shared_out() -> bool:
            checks = [worker.check() for worker in workers]
            idle = [check for check in checks if check.detail.startswith("0 partitions")]
            return all(check.ok for check in checks) and len(idle) == 1

        await until(shared_out, within_s=60)


async def test_a_worker_starts_no_producer_beside_its_processs_own(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faust would start one for each job type, and use none of them."""
    started: list[AIOKafkaProducer] = []
    start = AIOKafkaProducer.start

    async def counted(producer: AIOKafkaProducer) -> None:
        started.append(producer)
        await start(producer)

    monkeypatch.setattr(AIOKafkaProducer, "start", counted)
    async with running_worker(engine, tmp_path / "faust", []) as worker:

        async def reads() -> bool:
            return worker.check().ok and worker.check().detail.startswith(f"{2 * PARTITIONS} partitions")

        await until(reads, within_s=60)
    assert started == []


async def test_a_reader_that_is_stuck_is_not_ready(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "STALLED_AFTER_S", 1.0)
    async with running_worker(engine, tmp_path / "faust", []) as worker:

        async def ready() -> bool:
            return worker.check().ok

        await until(ready)
        go_on = asyncio.Event()

        async def stuck(*_arguments: Any) -> Any:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await asyncio.Future()
                if go_on.is_set():
                    return {}, {}

        consumer: Any = worker._app.consumer
        monkeypatch.setattr(consumer._thread, "read_on", stuck)

        async def not_ready() -> bool:
            check = worker.check()
            return not check.ok and "not asking for messages" in check.detail

        await until(not_ready)
        go_on.set()


async def test_a_reader_that_died_ends_the_process(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bugs: list[BaseException] = []
    async with running_worker(engine, tmp_path / "faust", bugs) as worker:

        async def ready() -> bool:
            return worker.check().ok

        await until(ready)

        async def dead(*_arguments: Any) -> Any:
            raise ZeroDivisionError

        consumer: Any = worker._app.consumer
        monkeypatch.setattr(consumer._thread, "read_on", dead)

        async def crashed() -> bool:
            return bool(bugs)

        await until(crashed)
        assert isinstance(bugs[0], ZeroDivisionError)
