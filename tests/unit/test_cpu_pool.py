"""The pool of processes for CPU work: what one call breaks is its own, and nothing is left of it."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import msgspec
import psutil
import pytest

from jobmonitor.job_types.cpu_pool import CpuPool
from jobmonitor.job_types.protocol import NO_CPU, CpuFailed
from support.loaded import loaded_modules
from support.waiting import until

ENDS = {
    "crash": signal.SIGSEGV,
    "kill from outside": signal.SIGKILL,
}


class Receipt(msgspec.Struct):
    """Something with types of its own."""

    day: date
    amounts: tuple[int, ...]


@pytest.fixture
def pool() -> Iterator[CpuPool]:
    opened = CpuPool(2)
    yield opened
    opened.close()


def add(receipt: Receipt, more: int) -> tuple[Receipt, bytes]:
    return Receipt(receipt.day, (*receipt.amounts, more)), b"\0\xff"


def process_id() -> int:
    return os.getpid()


def slow_process_id(seconds: float) -> int:
    time.sleep(seconds)
    return os.getpid()


def end_by(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(60)


def take_memory(size_bytes: int) -> int:
    return len(bytearray(size_bytes))


def divide(by: int) -> float:
    return 1 / by


def say(text: str) -> str:
    print(text)  # noqa: T201
    return sys.stdin.read() + text


def environment() -> dict[str, str]:
    return dict(os.environ)


async def test_arguments_and_answer_keep_their_types(pool: CpuPool) -> None:
    receipt = Receipt(date(2026, 1, 31), (1, 2))
    assert await pool.run(add, receipt, 3) == (Receipt(date(2026, 1, 31), (1, 2, 3)), b"\0\xff")


async def test_a_process_serves_many_calls_and_there_are_never_more_than_allowed(pool: CpuPool) -> None:
    ids = await asyncio.gather(*(pool.run(slow_process_id, 0.05) for _ in range(8)))
    assert len({*ids}) == 2
    assert os.getpid() not in ids


@pytest.mark.parametrize("number", ENDS.values(), ids=ENDS)
async def test_a_crash_is_the_failure_of_that_call_alone(pool: CpuPool, number: int) -> None:
    beside = asyncio.create_task(pool.run(slow_process_id, 0.5))
    with pytest.raises(CpuFailed) as failed:
        await pool.run(end_by, number)
    assert (failed.value.code, failed.value.detail) == ("cpu_crashed", f"exit status -{number}")
    assert os.getpid() not in {await beside, await pool.run(process_id)}


async def test_a_call_that_takes_too_long_is_ended(pool: CpuPool) -> None:
    before = await pool.run(process_id)
    with pytest.raises(CpuFailed, match=r"took more than 0\.3 s") as failed:
        await pool.run(slow_process_id, 60.0, timeout_s=0.3)
    assert failed.value.code == "cpu_timeout"
    await until(lambda: _ended(before))
    assert await pool.run(process_id) != before


async def test_a_call_that_needs_too_much_memory_fails_and_another_may_need_more(pool: CpuPool) -> None:
    with pytest.raises(CpuFailed, match="more than 256 MB") as failed:
        await pool.run(take_memory, 300 * 1024**2, memory_bytes_max=256 * 1024**2)
    assert failed.value.code == "cpu_memory"
    assert await pool.run(take_memory, 300 * 1024**2, memory_bytes_max=512 * 1024**2) == 300 * 1024**2


async def test_what_a_function_raises_is_the_failure_of_its_call(pool: CpuPool) -> None:
    with pytest.raises(CpuFailed) as failed:
        await pool.run(divide, 0)
    assert (failed.value.code, failed.value.detail) == ("cpu_error", "ZeroDivisionError: division by zero")
    assert await pool.run(divide, 2) == 0.5


async def test_what_a_function_reads_and_prints_gets_between_no_answers(pool: CpuPool) -> None:
    assert await asyncio.gather(*(pool.run(say, text) for text in "abc")) == ["a", "b", "c"]


async def test_whoever_is_cancelled_leaves_no_process_at_work(pool: CpuPool) -> None:
    number = await pool.run(process_id)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await pool.run(slow_process_id, 60.0)
    await until(lambda: _ended(number))


async def test_the_start_of_a_process_does_not_count_as_time_and_ends_with_whoever_is_cancelled(
    pool: CpuPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    before = {*psutil.Process().children()}
    call = asyncio.create_task(pool.run(process_id, timeout_s=0.1))
    _, waiting = await asyncio.wait({call}, timeout=1)
    assert waiting == {call}
    (starting,) = {*psutil.Process().children()} - before
    call.cancel()
    await until(lambda: _ended(starting.pid))


async def test_a_process_that_cannot_start_is_the_failure_of_the_call(
    pool: CpuPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\nos._exit(7)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(CpuFailed) as failed:
        await pool.run(process_id)
    assert (failed.value.code, failed.value.detail) == ("cpu_crashed", "exit status 7")


async def test_idle_processes_end() -> None:
    pool = CpuPool(1, idle_s=0.2)
    number = await pool.run(process_id)
    await until(lambda: _ended(number))
    assert await pool.run(process_id) != number
    pool.close()


async def test_closing_ends_them(pool: CpuPool) -> None:
    number = await pool.run(process_id)
    pool.close()
    await until(lambda: _ended(number))


async def test_there_are_no_secrets_in_its_environment(pool: CpuPool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("JOBMONITOR_DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD"):
        monkeypatch.setenv(name, "hush")
    assert "hush" not in (await pool.run(environment)).values()


async def test_nothing_runs_before_the_first_call_and_then_no_more_than_it_needs(pool: CpuPool) -> None:
    before = {*psutil.Process().children()}
    loaded = await pool.run(loaded_modules)
    assert not {"asyncio", "asyncpg", "faust", "jobmonitor.job_types.protocol"} & {*loaded}
    assert len({*psutil.Process().children()} - before) == 1


PARENT = """
import asyncio, time
from jobmonitor.job_types.cpu_pool import CpuPool
from test_cpu_pool import say_and_spin
asyncio.run(CpuPool(1).run(say_and_spin, 60.0))
"""


def say_and_spin(seconds: float) -> None:
    print(os.getpid(), flush=True)  # noqa: T201
    ends_at = time.monotonic() + seconds
    while time.monotonic() < ends_at:
        pass


async def test_a_killed_parent_takes_those_at_work_with_it() -> None:
    paths = [*sys.path, str(Path(__file__).parent)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as parent:  # noqa: ASYNC220
        assert parent.stderr is not None
        number = int(await asyncio.to_thread(parent.stderr.readline))
        assert not await _ended(number)
        parent.kill()
        await until(lambda: _ended(number), within_s=5)


async def test_who_only_previews_a_job_does_no_cpu_work() -> None:
    with pytest.raises(RuntimeError, match="process_id: CPU work is for"):
        await NO_CPU.run(process_id)


async def _ended(number: int) -> bool:
    try:
        return psutil.Process(number).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
