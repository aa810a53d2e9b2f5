"""How often a waiting request is published again."""

from uuid import UUID

from jobmonitor.reconciler.patience import LONGEST_PAUSE_S, Patience

JOB, OTHER = UUID(int=1), UUID(int=2)


def test_a_waiting_request_is_asked_for_at_once_then_at_doubling_pauses() -> None:
    patience = Patience(first_pause_s=10)
    asked_at = [second for second in range(100) if patience.due([JOB], float(second))]
    assert asked_at == [0, 10, 30, 70]


def test_the_pause_has_a_limit() -> None:
    patience = Patience(first_pause_s=10)
    asked_at = [second for second in range(5000) if patience.due([JOB], float(second))]
    assert asked_at[-1] - asked_at[-2] == LONGEST_PAUSE_S


def test_what_was_taken_up_is_forgotten_and_starts_anew() -> None:
    patience = Patience(first_pause_s=10)
    assert patience.due([JOB, OTHER], 0.0) == {JOB, OTHER}
    assert patience.due([OTHER], 1.0) == set()
    assert patience.due([JOB, OTHER], 2.0) == {JOB}
