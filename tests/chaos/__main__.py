"""``make chaos``: run jobs while things break, wait for calm, compare what was told with what is there.

``CHAOS_SECONDS`` (default 1800) is how long things break, ``CHAOS_SEED`` (default: any) what happens when: the same
seed and length give the same jobs and faults. ``CHAOS_SHOW_PLAN=1`` prints them instead. Before that, damaged messages
are sent to a stack of their own (:mod:`chaos.fuzz`); ``CHAOS_ONLY=fuzz`` does nothing else. Exit status 0 when
everything held, 1 when not; then the data folder stays.
"""

import asyncio
import logging
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TextIO, TypeVar

import structlog

from chaos.fuzz import MESSAGES, run_fuzz
from chaos.fuzz import in_words as fuzz_in_words
from chaos.outside import Outside
from chaos.plan import INSTANCES, Plan, make_plan
from chaos.report import report, verdict_line
from chaos.run import Outcome, run_chaos
from chaos.shapes import SERVED, UNSERVED
from chaos.stack import ChaosStack
from jobmonitor.contract.topics import view_topics
from jobmonitor.job_types.registry import slugs
from jobmonitor.local.data_folder import make_data_folder, only_one
from jobmonitor.local.jars import fetch_jars
from jobmonitor.local.secrets import load_passwords
from jobmonitor.local.service import SERVICES, ServiceSpec
from jobmonitor.local.settings import LocalSettings
from jobmonitor.local.supervisor import supervise

SUPPORTERS = 200
LAST_SEED = 9999

Say = Callable[[str], None]
Came = TypeVar("Came")
"""What a run came to."""


def main() -> int:
    """Run as the environment says; returns the exit status."""
    seconds = float(os.environ.get("CHAOS_SECONDS") or 1800)
    seed = int(os.environ.get("CHAOS_SEED") or random.randint(1, LAST_SEED))
    plan = make_plan(seed, seconds)
    if os.environ.get("CHAOS_SHOW_PLAN"):
        print(plan)
        return 0
    print(f"chaos: seed {seed}, {seconds:g} s, {len(plan.jobs):,} jobs, {len(plan.faults):,} faults", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="jobmonitor-chaos-"))
    folder.chmod(0o711)
    _log_to(folder / "clients.log")
    if not _fuzz(folder, seed):
        return 1
    if os.environ.get("CHAOS_ONLY") == "fuzz":
        shutil.rmtree(folder, ignore_errors=True)
        return 0
    again = f"Logs and data: {folder}\nAgain: CHAOS_SEED={seed} CHAOS_SECONDS={seconds:g} make chaos"
    try:
        outcome = chaos_on_a_stack(plan, folder, _telling())
    except (Exception, KeyboardInterrupt) as error:
        traceback.print_exception(error)
        print(f"{again}\nchaos: BROKEN - seed {seed}, the run did not get to its end: {error!r}", flush=True)
        return 1
    print(report(outcome))
    if outcome.breaches:
        print(f"\n{again}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    print(verdict_line(outcome), flush=True)
    return 1 if outcome.breaches else 0


def _fuzz(folder: Path, seed: int) -> bool:
    """Damaged messages on a stack of their own; ``CHAOS_FUZZ_MESSAGES`` is how many, 0 leaves it out."""
    messages = int(os.environ.get("CHAOS_FUZZ_MESSAGES") or MESSAGES)
    if not messages:
        return True
    stacks = folder / "fuzz"
    stacks.mkdir(mode=0o711)
    say = _telling()
    fuzzed = on_a_stack(stacks, say, lambda stack: run_fuzz(stack, stacks, seed, messages, say))
    print(fuzz_in_words(fuzzed, seed), flush=True)
    if fuzzed.breaches:
        print(f"Logs and data: {stacks}\nAgain: CHAOS_ONLY=fuzz CHAOS_SEED={seed} make chaos", flush=True)
    return not fuzzed.breaches


def chaos_on_a_stack(plan: Plan, folder: Path, say: Say) -> Outcome:
    """Start a stack of its own in the folder, run the plan against it, stop it."""
    return on_a_stack(folder, say, lambda stack: run_chaos(plan, stack, folder, say))


def on_a_stack(folder: Path, say: Say, run: Callable[[ChaosStack], Coroutine[Any, Any, Came]]) -> Came:
    """Start a stack of its own in the folder, run this against it, stop it.

    The stack is supervised in this thread, as ``make up`` does; the run has one of its own.
    """
    settings = LocalSettings(data_dir=str(folder), http_port=0, demo_supporters=SUPPORTERS, with_probe=True)
    make_data_folder(folder, supporters=SUPPORTERS)
    with only_one(folder), (folder / "supervisor.log").open("w", buffering=1) as log:
        jars = fetch_jars(settings.tools_folder)
        passwords = load_passwords(folder / "passwords.json")
        outside = Outside(folder)
        environment = _environment(os.environ, outside)
        stack = ChaosStack(outside, settings, environment, passwords, jars, _to(log), _services())
        try:
            stack.start()
            say("The stack is up.")
            running = _in_a_thread(lambda: asyncio.run(run(stack)))
            supervise(stack.children, _to(log), stack.publish, lambda: not running.done())
            return running.result()
        finally:
            stack.stop()


def _in_a_thread(work: Callable[[], Came]) -> "Future[Came]":
    """Begin it. An interruption of this thread does not wait for it."""
    future: Future[Came] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return future


def _services() -> list[ServiceSpec]:
    """Every process as often as the plan has it, in the order they start."""
    return [
        ServiceSpec(spec.process, spec.role, instance)
        for spec in SERVICES
        for instance in range(1, len(INSTANCES[spec.process]) + 1)
    ]


def _environment(environment: Mapping[str, str], outside: Outside) -> dict[str, str]:
    """For the processes: production settings, the probe served too, and a type followed that nobody serves."""
    topics = [topic for slug in (*slugs(with_probe=True), UNSERVED.job_type) for topic in view_topics(slug)]
    ours = {name: text for name, text in environment.items() if not name.startswith("JOBMONITOR_")}
    return {
        **ours,
        "JOBMONITOR_JOB_TYPES": ",".join(SERVED),
        "JOBMONITOR_PROBE_OUTSIDE_URL": outside.url,
        "JOBMONITOR_STOP_ASSEMBLY_S": "600",  # no outage of a run lasts so long: every stopped job has its file
        "JOBMONITOR_PROJECTION_TOPICS": ",".join(topics),
    }


def _telling() -> Say:
    began_s = time.monotonic()
    return lambda text: print(f"{time.monotonic() - began_s:7.1f} s  {text}", flush=True)


def _log_to(path: Path) -> None:
    """What the libraries of this process have to say: an outage is no news here."""
    logging.basicConfig(filename=path, level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    structlog.configure(logger_factory=structlog.stdlib.LoggerFactory(), wrapper_class=structlog.stdlib.BoundLogger)


def _to(log: TextIO) -> Say:
    return lambda text: print(time.strftime("%H:%M:%S"), text, file=log)


if __name__ == "__main__":
    sys.exit(main())
