"""What happens to a chunk after a try that failed for a reason that may pass. Pure."""

from dataclasses import dataclass

from jobmonitor.job_types.protocol import RetryPolicy

FAULT_OF_SOFTWARE = "This is a fault of the software."


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed try."""

    tries: int
    """That counted so far, this one included."""
    uncounted: int
    """Earlier ones that did not."""
    service_away: str | None = None
    """The service whose outage was the cause; None where it may be this chunk alone."""
    outage_s: float = 0.0
    """For how long it has been away."""
    is_bug: bool = False
    """Whether the job type's own code was at fault."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Give the chunk back. The pause is about so long after the n-th of such failures in a row: see ``Backoff``."""

    failures: int
    uses_up_a_try: bool


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The job fails, with this sentence for its owner."""

    reason: str


def decide_retry(policy: RetryPolicy, failure: Failure) -> TryAgain | GiveUp:
    """An outage of a whole service uses up no try, but may not last for ever; a failure of the chunk's own is a try."""
    if failure.service_away is None:
        if failure.tries >= policy.tries_max:
            return GiveUp(tried_too_often(failure.tries, told_an_error=True, is_bug=failure.is_bug))
        return TryAgain(failures=failure.tries, uses_up_a_try=True)
    if failure.outage_s > policy.outage_max_s:
        return GiveUp(f"The work could not go on: {failure.service_away} was away for {_duration(failure.outage_s)}.")
    return TryAgain(failures=failure.uncounted + 1, uses_up_a_try=False)


def tried_too_often(tries: int, *, told_an_error: bool, is_bug: bool = False) -> str:
    """Why a job fails of which a chunk has no try left. Without an error each worker ended before it could tell one."""
    times = "once" if tries == 1 else f"{tries} times"
    if told_an_error:
        failed = f"A part of the work was tried {times} and failed{'' if tries == 1 else ' each time'}."
        return f"{failed} {FAULT_OF_SOFTWARE}" if is_bug else failed
    return f"A part of the work was tried {times}, each time its worker stopped before it could finish."


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{round(seconds)} s"
    return "a minute" if minutes == 1 else f"{minutes} minutes"
