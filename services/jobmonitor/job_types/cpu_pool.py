"""CPU work in a bounded pool of processes, so that nothing else in this one waits for it.

Each process serves one call at a time: what one call breaks is its own. They start when they are needed, end when they
have been idle for a while, and die with this process.
"""

import asyncio
import inspect
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple, cast

import msgspec
import structlog

from jobmonitor.job_types import cpu_process
from jobmonitor.job_types.cpu_process import LENGTH_BYTES, READY, Request, bare_environment, named
from jobmonitor.job_types.protocol import CPU_MEMORY_BYTES_MAX, CPU_TIMEOUT_S, CpuFailed

IDLE_S = 60.0
"""The libraries of a call take some ten megabytes, and many types need them once a day."""

Answer = TypeVar("Answer")
Arguments = TypeVarTuple("Arguments")

log = structlog.stdlib.get_logger()


class CpuPool:
    """At most ``processes`` at once; further calls wait for their turn."""

    def __init__(self, processes: int, *, idle_s: float = IDLE_S) -> None:
        self._free = asyncio.Semaphore(processes)
        self._idle: dict[Process, asyncio.TimerHandle] = {}
        self._idle_s = idle_s

    async def run(
        self,
        function: Callable[[*Arguments], Answer],
        *arguments: *Arguments,
        timeout_s: float = CPU_TIMEOUT_S,
        memory_bytes_max: int = CPU_MEMORY_BYTES_MAX,
    ) -> Answer:
        """As the protocol of job types says (``Cpu``). Whoever is cancelled meanwhile ends the process."""
        request = Request(named(function), msgspec.Raw(msgspec.msgpack.encode(arguments)), memory_bytes_max)
        async with self._free:
            process = await self._process()
            try:
                await _ready(process)
                async with asyncio.timeout(timeout_s):
                    answer = await _ask(process, msgspec.msgpack.encode(request))
            except TimeoutError:
                _kill(process)
                raise _failed(request, "cpu_timeout", f"Part of the work took more than {timeout_s:g} s.") from None
            except (asyncio.IncompleteReadError, ConnectionError):
                status = await process.wait()
                reason = "Part of the work ended the process that did it."
                raise _failed(request, "cpu_crashed", reason, f"exit status {status}") from None
            except BaseException:
                _kill(process)
                raise
            if answer.out_of_memory:
                _kill(process)
            else:
                self._keep(process)
        return _value(request, function, answer)

    def close(self) -> None:
        """End the idle processes. The others end with the calls that are cancelled."""
        for process in list(self._idle):
            self._end_idle(process)

    async def _process(self) -> Process:
        while self._idle:
            process, timer = self._idle.popitem()
            timer.cancel()
            if process.returncode is None:
                return process
        command = [sys.executable, "-P", "-m", cpu_process.__name__, str(os.getpid())]
        return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env=bare_environment())

    def _keep(self, process: Process) -> None:
        timer = asyncio.get_running_loop().call_later(self._idle_s, self._end_idle, process)
        self._idle[process] = timer

    def _end_idle(self, process: Process) -> None:
        self._idle.pop(process).cancel()
        _kill(process)


async def _ready(process: Process) -> None:
    """Wait until it takes a request: one that was just started imports what it needs first."""
    _, answers = _pipes(process)
    await answers.readexactly(len(READY))


async def _ask(process: Process, request: bytes) -> cpu_process.Answer:
    requests, answers = _pipes(process)
    requests.write(len(request).to_bytes(LENGTH_BYTES) + request)
    await requests.drain()
    length = int.from_bytes(await answers.readexactly(LENGTH_BYTES))
    return msgspec.msgpack.decode(await answers.readexactly(length), type=cpu_process.Answer)


def _pipes(process: Process) -> tuple[asyncio.StreamWriter, asyncio.StreamReader]:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("It was started without pipes.")
    return process.stdin, process.stdout


def _value(request: Request, function: Callable[..., Answer], answer: cpu_process.Answer) -> Answer:
    if answer.out_of_memory:
        megabytes = request.memory_bytes_max // 1024**2
        raise _failed(request, "cpu_memory", f"Part of the work needed more than {megabytes:,} MB of memory.")
    if answer.error:
        raise _failed(request, "cpu_error", "Part of the work could not be done.", answer.error)
    returns = inspect.signature(function, eval_str=True).return_annotation
    return cast("Answer", msgspec.msgpack.decode(answer.value, type=returns))


def _failed(request: Request, code: str, reason: str, detail: str = "") -> CpuFailed:
    log.warning("cpu_call_failed", function=request.function, code=code, detail=detail)
    return CpuFailed(code, reason, detail=detail)


def _kill(process: Process) -> None:
    if process.returncode is None:
        process.kill()
