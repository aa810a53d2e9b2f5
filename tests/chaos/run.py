"""One run from its first job to its verdict, on a stack that is up and supervised."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from chaos.faults import Faults
from chaos.history import History, Told
from chaos.load import OWNER_ELSEWHERE, Load
from chaos.plan import PRODUCERS_ACCOUNTS, Fault, Plan
from chaos.shapes import UNSERVED
from chaos.stack import ChaosStack
from chaos.verdict import Verdict, judge
from chaos.watch import Watch
from chaos.world import World, read_world
from jobmonitor.checker import CheckSettings, CouldNotLook, Finding, Report, check
from jobmonitor.local.postgres import SUPERUSER
from jobmonitor.local.stack import DATABASE, Stack
from support.brokers import broker_at
from support.people import add_people

CALM_WITHIN_S = 60.0
"""After the last fault is over and the last job was submitted."""
CHECK_WITHIN_S = 300.0
SERVED = "I34"
"""The invariant that every submission is accepted."""

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """What a run came to."""

    plan: Plan
    asked: tuple[Told, ...]
    faults: tuple[Fault, ...]
    """Those that happened."""
    recovered_s: tuple[tuple[Fault, float], ...]
    calm_after_s: float | None
    """None: it did not become calm in time."""
    world: World
    verdict: Verdict
    checked: Report | CouldNotLook
    """What the check found, or why it could not look."""
    breaches: tuple[str, ...]
    """All that did not hold, of whichever comparison."""


async def run_chaos(plan: Plan, stack: ChaosStack, folder: Path, say: Say) -> Outcome:
    """Run the plan, wait for calm, and compare. Does not stop the stack, whose data folder this is."""
    history_path, objects_url = folder / "history.jsonl", (folder / "objects").as_uri()
    database_url = stack.postgres.url(SUPERUSER, database=DATABASE)
    await add_people(database_url, *((account, OWNER_ELSEWHERE + account) for account in PRODUCERS_ACCOUNTS))
    kafka = stack.kafka.bootstrap
    history = History(history_path)
    load = Load(plan, history, kafka_bootstrap=kafka, http_url=stack.http_url)
    watch = Watch(plan, history, load, say, database_url=database_url, kafka=kafka)
    faults = Faults(plan, stack.children, watch.measure)
    async with load, watch:
        telling = asyncio.create_task(watch.tell_progress())
        began_s = asyncio.get_running_loop().time()
        await asyncio.gather(load.run(began_s), faults.run(began_s))
        say("The last fault is over and the last job submitted: waiting for calm.")
        calm_after_s = await _calm(watch)
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
        world = replace(await read_world(database_url, kafka), reached=stack.outside.reached())
        history.close()
        beside = await _check(stack, objects_url, history_path, calm=False)
        checked = await _check(stack, objects_url, history_path, calm=True)
    return _outcome(plan, history, faults, watch, calm_after_s, world, beside, checked)


async def _check(stack: Stack, objects_url: str, history_path: Path, *, calm: bool) -> Report | CouldNotLook:
    """Every invariant over the whole run, as ``jobmonitor check`` sees it."""
    settings = CheckSettings(
        owner_url=stack.owner_url,
        kafka=broker_at(stack.kafka.bootstrap),
        object_store_url=objects_url,
        mail_folder=str(history_path.parent / "mail"),
    )
    try:
        async with asyncio.timeout(CHECK_WITHIN_S):
            return await check(settings, history=history_path, calm=calm)
    except CouldNotLook as error:
        return error
    except TimeoutError:
        return CouldNotLook(f"it took longer than {CHECK_WITHIN_S:g} s")


async def _calm(watch: Watch) -> float | None:
    began_s = asyncio.get_running_loop().time()
    with suppress(TimeoutError):
        async with asyncio.timeout(CALM_WITHIN_S):
            await watch.measured()
            await watch.calm()
            return asyncio.get_running_loop().time() - began_s
    return None


def _outcome(
    plan: Plan,
    history: History,
    faults: Faults,
    watch: Watch,
    calm_after_s: float | None,
    world: World,
    beside: Report | CouldNotLook,
    checked: Report | CouldNotLook,
) -> Outcome:
    verdict = judge(history.jobs, world)
    late = [] if calm_after_s is not None else [f"wrong: not calm {CALM_WITHIN_S:g} s after the last fault"]
    missing = len(plan.faults) - len(faults.happened)
    if missing:
        late.append(f"wrong: {missing} faults of the plan did not happen")
    unserved = {told.job_id for told in history.jobs.values() if told.shape == UNSERVED.name}
    unanswered = {told.job_id for told in history.jobs.values() if told.accepted_at is None}
    late += unseen(beside, unserved, unanswered)
    return Outcome(
        plan=plan,
        asked=tuple(history.jobs.values()),
        faults=tuple(faults.happened),
        recovered_s=tuple(watch.recovered_s),
        calm_after_s=calm_after_s,
        world=world,
        verdict=verdict,
        checked=checked,
        breaches=(*late, *verdict.breaches, *violations(checked, unserved)),
    )


def unseen(
    beside: Report | CouldNotLook, unserved: Collection[UUID], unanswered: Collection[UUID] = frozenset()
) -> list[str]:
    """Whether the check of a busy system tells that submissions wait which nobody serves.

    One that was never answered made one job or none (I1).
    """
    if isinstance(beside, CouldNotLook):
        return [f"wrong: the check could not look: {beside}"]
    told = next(finding for finding in beside.findings if finding.invariant == SERVED)
    least = len({*unserved} - {*unanswered})
    if least <= told.violations <= len(unserved) and _only_of(told, unserved):
        return []
    return [f"wrong: the check tells of {told.violations} submissions nobody serves, there are {len(unserved)}"]


def violations(checked: Report | CouldNotLook, unserved: Collection[UUID] = ()) -> list[str]:
    """A line for each invariant that does not hold, with an example. Jobs nobody serves have no end: that is known."""
    if isinstance(checked, CouldNotLook):
        return [f"wrong: the check could not look: {checked}"]
    found = [
        finding
        for finding in checked.findings
        if finding.status == "violated" and not (finding.violations <= len(unserved) and _only_of(finding, unserved))
    ]
    return [f"{each.invariant} ({each.says}), {each.violations} times: {each.examples[0]}" for each in found]


def _only_of(finding: Finding, jobs: Collection[UUID]) -> bool:
    names = {str(job_id) for job_id in jobs}
    return all(any(word.strip(",:") in names for word in each.about.split()) for each in finding.examples)
