"""What a run says in the end: a table of figures, what did not hold, and one line that says it all. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from statistics import median

from chaos.history import Told
from chaos.plan import INSTANCES
from chaos.run import Outcome
from chaos.shapes import BY_NAME
from chaos.world import Seen
from jobmonitor.checker import Report

SHOWN_BREACHES = 30


def report(outcome: Outcome) -> str:
    """Everything but the verdict line."""
    return "\n".join([*_jobs(outcome), "", *_faults(outcome), "", *_rest(outcome), *_breaches(outcome.breaches)])


def verdict_line(outcome: Outcome) -> str:
    """The last line of a run."""
    verdict, longest_s = outcome.verdict, max((s for _, s in outcome.recovered_s), default=0.0)
    waits_s = small_waits_s(outcome.asked, outcome.world.seen)
    kills = sum(fault.what == "kill" for fault in outcome.faults)
    figures = (
        f"seed {outcome.plan.seed}, {len(outcome.asked):,} jobs, {kills:,} kills, "
        f"lost {verdict.lost:,}, doubled {verdict.doubled:,}, longest recovery {longest_s:.1f} s, "
        f"longest wait of a small job {max(waits_s, default=0.0):.1f} s"
    )
    if not outcome.breaches:
        return f"chaos: held - {figures}"
    return f"chaos: BROKEN - {figures}, {len(outcome.breaches):,} things did not hold"


def small_waits_s(asked: Sequence[Told], seen: Sequence[Seen]) -> list[float]:
    """How long each honest small job took from being accepted to its end, by the clocks of client and worker."""
    ended_at = {each.job_id: each.completed_at for each in seen}
    return [
        (end - told.accepted_at).total_seconds()
        for told in asked
        if BY_NAME[told.shape].is_honest_and_small and told.accepted_at and (end := ended_at.get(told.job_id))
    ]


def _jobs(outcome: Outcome) -> Iterator[str]:
    """Jobs by shape: what clients were told, and how they ended."""
    states = {seen.job_id: seen.state for seen in outcome.world.seen}
    yield f"{'jobs':22} {'asked':>6} {'accepted':>9}  ended"
    for name in BY_NAME:
        asked = [told for told in outcome.asked if told.shape == name]
        accepted = sum(told.submitted == "ok" for told in asked)
        ends = Counter(states.get(told.job_id, "not there") for told in asked)
        words = ", ".join(f"{count:,} {state}" for state, count in sorted(ends.items()))
        yield f"{name:22} {len(asked):>6,} {accepted:>9,}  {words}"


def _faults(outcome: Outcome) -> Iterator[str]:
    """Faults by service and kind, and how long until work went on."""
    took_s: dict[tuple[str, str], list[float]] = defaultdict(list)
    for fault, seconds in outcome.recovered_s:
        took_s[fault.service, fault.what].append(seconds)
    yield f"{'fault':22} {'times':>6} {'median':>9} {'longest':>9}  until work goes on"
    for (service, what), seconds_each in sorted(took_s.items()):
        name = f"{service} {what}"
        yield f"{name:22} {len(seconds_each):>6,} {median(seconds_each):>7.1f} s {max(seconds_each):>7.1f} s"


def _rest(outcome: Outcome) -> Iterator[str]:
    calm = f"{outcome.calm_after_s:.1f} s" if outcome.calm_after_s is not None else "not in time"
    instances = ", ".join(f"{len(names)} {service}" for service, names in INSTANCES.items())
    stops = Counter(told.stopped for told in outcome.asked if told.stopped)
    told = Counter(told.submitted for told in outcome.asked)
    yield f"processes: {instances}"
    yield f"submissions: {told['ok']:,} accepted, {told['fail']:,} refused, {told['info']:,} never answered"
    yield f"stops: {stops['ok']:,} accepted, {stops['fail']:,} too late, {stops['info']:,} never answered"
    if waits_s := small_waits_s(outcome.asked, outcome.world.seen):
        yield f"honest small jobs waited {median(waits_s):.1f} s in the median, {max(waits_s):.1f} s at most"
    yield f"effects left: {sum(rows for rows, _ in outcome.world.effects.values()):,}"
    if isinstance(outcome.checked, Report):
        stands = Counter(finding.status for finding in outcome.checked.findings)
        yield (
            f"check: {stands['ok']} invariants hold over {outcome.checked.messages:,} messages, "
            f"{stands['violated']} do not, {stands['does not apply']} do not apply"
        )
    yield f"calm after the last fault: {calm}; lost {outcome.verdict.lost:,}, doubled {outcome.verdict.doubled:,}"


def _breaches(breaches: Sequence[str]) -> Iterator[str]:
    if not breaches:
        return
    yield "\nWhat did not hold:"
    yield from breaches[:SHOWN_BREACHES]
    if len(breaches) > SHOWN_BREACHES:
        yield f"... and {len(breaches) - SHOWN_BREACHES:,} more"
