"""What the main module of every process needs: settings, logs, signals, waiting for what is not there yet, crashing.

A bug ends the process with exit status 1; whoever supervises it starts it again.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, NoReturn, TypeVar

import structlog
import uvloop

from jobmonitor.runtime import logs
from jobmonitor.runtime.retry import until_passed
from jobmonitor.runtime.settings import ProcessSettings, StartError, load

log = structlog.stdlib.get_logger()
Thing = TypeVar("Thing")
SettingsType = TypeVar("SettingsType", bound=ProcessSettings)


class Lifecycle:
    """How long a process goes on: until a signal asks it to stop, or a bug shows that it must."""

    def __init__(self) -> None:
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._crash_hooks: list[Callable[[], None]] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self.stop)

    def stop(self) -> None:
        """Ask for an orderly end. Repeatable."""
        if not self._ended.done():
            self._ended.set_result(None)

    def before_crash(self, hook: Callable[[], None]) -> None:
        """Call this before a crash. It must be quick: nothing else goes on meanwhile."""
        self._crash_hooks.append(hook)

    def crash(self, bug: BaseException) -> NoReturn:
        """End the process at once because of an error nobody expected: nothing more is acknowledged or committed."""
        log.critical("crashed", exc_info=bug)
        for hook in self._crash_hooks:
            try:
                hook()
            except Exception as error:
                log.warning("crash_hook_failed", error=repr(error))
        logging.shutdown()
        os._exit(1)

    async def ended(self) -> None:
        """Returns when asked to stop."""
        await asyncio.shield(self._ended)

    async def ended_or_crashed(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work`` until asked to stop, then cancel it. Raises what the work raises, which ends the process."""
        if (done := await self._done_before_end(work)) is not None:
            done.result()

    async def when_reachable(self, reach: Callable[[], Awaitable[Thing]]) -> Thing:
        """Try until the service is there; a stop meanwhile ends the process. Other errors are raised."""
        reached = await self._done_before_end(until_passed(reach, "service_not_reachable"))
        if reached is None:
            raise SystemExit(0)
        return reached.result()

    async def _done_before_end(self, work: Coroutine[Any, Any, Thing]) -> asyncio.Task[Thing] | None:
        """The work, done or failed; None where a stop was asked for before: it is cancelled then."""
        task = asyncio.create_task(work)
        either: list[asyncio.Future[Any]] = [task, self._ended]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return None


def run_process(
    name: str,
    settings_type: type[SettingsType],
    environment: Mapping[str, str],
    serve: Callable[[SettingsType, Lifecycle], Awaitable[None]],
) -> int:
    """Read the settings, set up logs, run ``serve`` to its end. Returns the exit status: 1 a bug, 2 cannot start."""
    try:
        settings = load(settings_type, environment)
        logs.configure(settings, name)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(settings, serve))
    except StartError as error:
        print(error, file=sys.stderr)  # noqa: T201 - there may be no logs yet, and this is for whoever starts it
        return 2
    except Exception:
        log.exception("crashed")
        return 1
    log.info("stopped", pid=os.getpid())
    return 0


async def _serve(settings: SettingsType, serve: Callable[[SettingsType, Lifecycle], Awaitable[None]]) -> None:
    await serve(settings, Lifecycle())
