"""What happens after a try that failed: who pays for it, and when a job is given up."""

from hypothesis import given
from hypothesis import strategies as st

from jobmonitor.job_types.protocol import RetryPolicy
from jobmonitor.processor.retrying import Failure, GiveUp, TryAgain, decide_retry, tried_too_often

POLICY = RetryPolicy(tries_max=3, outage_max_s=600)


def test_given_tries_left_when_a_chunk_fails_by_itself_then_it_uses_one_up() -> None:
    assert decide_retry(POLICY, Failure(tries=2, uncounted=0)) == TryAgain(failures=2, uses_up_a_try=True)


def test_given_the_last_try_when_a_chunk_fails_by_itself_then_its_job_is_given_up() -> None:
    assert decide_retry(POLICY, Failure(tries=3, uncounted=9)) == GiveUp(
        "A part of the work was tried 3 times and failed each time."
    )


def test_given_the_last_try_when_a_service_is_away_then_the_chunk_waits_and_keeps_its_try() -> None:
    away = Failure(tries=3, uncounted=4, service_away="the mail server", outage_s=599)
    assert decide_retry(POLICY, away) == TryAgain(failures=5, uses_up_a_try=False)


def test_given_an_outage_that_lasts_too_long_then_the_job_fails_and_says_what_was_away() -> None:
    away = Failure(tries=1, uncounted=40, service_away="the mail server", outage_s=601)
    assert decide_retry(POLICY, away) == GiveUp("The work could not go on: the mail server was away for 10 minutes.")


def test_a_short_outage_is_told_in_seconds() -> None:
    away = Failure(tries=1, uncounted=4, service_away="the file store", outage_s=12)
    assert decide_retry(RetryPolicy(outage_max_s=10), away) == GiveUp(
        "The work could not go on: the file store was away for 12 s."
    )


def test_workers_that_ended_without_a_word_are_told_apart() -> None:
    assert "each time its worker stopped" in tried_too_often(5, told_an_error=False)


@given(
    tries=st.integers(1, 99),
    uncounted=st.integers(0, 999),
    service=st.none() | st.just("the database"),
    outage_s=st.floats(0, 1e6),
)
def test_every_failure_is_counted_against_one_limit(
    tries: int, uncounted: int, service: str | None, outage_s: float
) -> None:
    """Nothing is tried for ever, and an outage takes nobody's tries."""
    decision = decide_retry(POLICY, Failure(tries=tries, uncounted=uncounted, service_away=service, outage_s=outage_s))
    over = outage_s > POLICY.outage_max_s if service else tries >= POLICY.tries_max
    assert isinstance(decision, GiveUp) == over
    if isinstance(decision, TryAgain):
        assert decision.uses_up_a_try == (service is None)
