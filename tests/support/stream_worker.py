"""A worker process that hears one topic as the processor does and writes down every message it was handed.

    python -m support.stream_worker <bootstrap> <job type> <folder> <log file> <faust|ours> <commit> <slow> <session>

``faust`` reads with Faust's own consumer. The rest are seconds: between commits; what the handler on rebalance takes,
which widens the time in which Faust skips messages; after which a killed worker is missed. Ends at once when killed, in
order at SIGTERM.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from faust.transport.drivers.aiokafka import Transport

from jobmonitor.processor.streams import Streams, build_app
from support.brokers import broker_at


def crash(bug: BaseException) -> NoReturn:
    """As the processor does: nothing more is acknowledged."""
    sys.stderr.write(f"{bug!r}\n")
    os._exit(1)


def build(
    bootstrap: str, job_type: str, folder: str, log: str, reader: str, commit_s: str, slow_s: str, session_s: str
) -> Any:
    """The processor's app. Its messages do not decode, so all of them come to the handler of such."""
    app = build_app(job_type, broker_at(bootstrap), Path(folder))
    app.conf.broker_commit_interval = float(commit_s)
    app.conf.broker_session_timeout = float(session_s)
    app.conf.broker_heartbeat_interval = float(session_s) / 5
    if reader == "faust":
        app.transport = Transport(app.conf.broker_consumer, app)
    written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def write_down(message: Any, _reason: str) -> None:
        os.write(written, f"{os.getpid()} {message.partition} {message.offset}\n".encode())

    def pass_by(_event: Any, _message: Any, _ack: Any) -> None: ...

    async def take_time(*_args: Any, **_options: Any) -> None:
        await asyncio.sleep(float(slow_s))

    app.on_rebalance_complete.connect(take_time, weak=False)
    Streams(app, job_type, crash=crash).consume_work(pass_by, write_down)
    return app


async def serve(arguments: list[str]) -> None:
    """Run until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    app = build(*arguments)
    app.finalize()
    await app.start()
    await stopped.wait()
    await app.stop()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1:]))
