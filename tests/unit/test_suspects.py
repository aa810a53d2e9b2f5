"""Which messages are tried apart after a process ended, and when one is given up."""

from hypothesis import given
from hypothesis import strategies as st

from jobmonitor.projection.suspects import MESSAGES_AT_ONCE, Trial, is_suspect, next_trial
from jobmonitor.runtime.poison import ENDS_MAX

NOTHING = Trial(0, 0, 0, 0)


@given(st.integers(0, 1000), st.integers(1, 500))
def test_a_deadly_message_ends_five_processes_and_is_found(deadly: int, batch: int) -> None:
    """Each process folds batches until one has the deadly message, and starts where the last one got to."""
    messages, folded, claims, ends = deadly + 300, 0, 0, 0
    trial, put_aside = NOTHING, None
    while folded < messages:
        claims += 1
        suspected = is_suspect(claims)
        while folded < messages:
            if suspected:
                trial = next_trial(trial, folded)
                if trial.is_given_up:
                    put_aside, trial, folded = folded, trial.survived(), trial.end
                    continue
            end = min(trial.end if suspected else folded + batch, messages)
            if put_aside is None and folded <= deadly < end:
                ends += 1
                break
            folded, trial = end, trial.survived() if suspected else trial
    assert put_aside == deadly
    assert ends <= ENDS_MAX


def test_nothing_is_suspected_before_the_third_claim_in_a_row() -> None:
    assert [is_suspect(claims) for claims in (1, 2, 3)] == [False, False, True]


def test_many_are_tried_at_once_and_after_an_end_each_alone() -> None:
    together = next_trial(NOTHING, 10)
    assert together == Trial(10, 10 + MESSAGES_AT_ONCE, 1, 0)
    alone = next_trial(together, 10)
    assert (alone.first, alone.end, alone.tries) == (10, 11, 1)
    after_it = next_trial(alone.survived(), 11)
    assert (after_it.first, after_it.end) == (11, 12)
    behind = next_trial(after_it.survived(), 10 + MESSAGES_AT_ONCE)
    assert behind.end - behind.first == MESSAGES_AT_ONCE


def test_one_that_ends_the_process_alone_twice_is_given_up() -> None:
    trial = Trial(7, 8, 1, 8)
    assert not trial.is_given_up
    assert not next_trial(trial, 7).is_given_up
    assert next_trial(next_trial(trial, 7), 7).is_given_up
