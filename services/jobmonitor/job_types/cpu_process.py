"""A process of the CPU pool. ``python -m jobmonitor.job_types.cpu_process PARENT`` is started by ``cpu_pool``.

Requests come on its standard input, answers go to its standard output, each after its length; before each request it
says that it is ready. It imports nothing but what a call needs: what is not used takes no memory.
"""

import ctypes
import inspect
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import EntryPoint
from typing import Any, BinaryIO

import msgspec

LENGTH_BYTES = 8
READY = b"\x01"
NICENESS = 10
"""The processes that everybody waits for go first."""
DIE_WITH_PARENT = 1
"""``PR_SET_PDEATHSIG`` of Linux."""
_INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")
"""Of the environment. The rest is settings and secrets, also those of libraries."""


class Request(msgspec.Struct, frozen=True):
    """One call."""

    function: str
    """``module:name``."""
    arguments: msgspec.Raw
    """A list."""
    memory_bytes_max: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it: a value, an error, or too little memory, much of which may then never be given back."""

    value: msgspec.Raw = msgspec.Raw(b"\xc0")
    error: str = ""
    out_of_memory: bool = False


def named(function: Callable[..., Any]) -> str:
    """How another process finds it."""
    return f"{function.__module__}:{function.__qualname__}"


def bare_environment() -> dict[str, str]:
    """For a process that reads what anybody may send, or does what a job type asks for: it needs no secrets of ours."""
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {**inherited, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def main(parent_id: int) -> None:
    """Answer until the parent closes its end."""
    _die_with(parent_id)
    os.nice(NICENESS)
    # A call that reads or prints must not get between requests and answers.
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    while length := _next_length(requests, answers):
        request = msgspec.msgpack.decode(requests.read(int.from_bytes(length)), type=Request)
        _write(answers, msgspec.msgpack.encode(_answer(request)))


def _next_length(requests: BinaryIO, answers: BinaryIO) -> bytes:
    """Of the next request; empty once there are no more."""
    answers.write(READY)
    answers.flush()
    return requests.read(LENGTH_BYTES)


def _die_with(parent_id: int) -> None:
    """Also in the middle of a call. Elsewhere than on Linux it ends after the call it is at.

    Linux counts the thread that started it as the parent: the event loop's, which ends last.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent_id:
        sys.exit("The parent ended before.")


def _write(answers: BinaryIO, content: bytes) -> None:
    answers.write(len(content).to_bytes(LENGTH_BYTES) + content)
    answers.flush()


def _answer(request: Request) -> Answer:
    _bound_memory(request.memory_bytes_max)
    try:
        value = msgspec.msgpack.encode(_call(request))
    except MemoryError:
        return Answer(out_of_memory=True)
    except Exception as error:
        traceback.print_exc()
        return Answer(error=f"{type(error).__name__}: {error}")
    finally:
        _bound_memory(resource.RLIM_INFINITY)
    return Answer(value=msgspec.Raw(value))


def _call(request: Request) -> Any:
    function = EntryPoint("function", request.function, "").load()
    parameters = inspect.signature(function, eval_str=True).parameters.values()
    types = [Any if each.annotation is each.empty else each.annotation for each in parameters]
    arguments = msgspec.msgpack.decode(request.arguments)
    return function(*map(msgspec.convert, arguments, types))


def _bound_memory(bytes_max: int) -> None:
    with suppress(ValueError):  # macOS has no such limit
        resource.setrlimit(resource.RLIMIT_AS, (bytes_max, resource.RLIM_INFINITY))


if __name__ == "__main__":
    main(int(sys.argv[1]))
