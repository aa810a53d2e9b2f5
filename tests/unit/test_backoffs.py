"""How often a waiting request is published again."""

from uuid import UUID

from jobmonitor.reconciler.backoffs import LONGEST_PAUSE_S, RequestBackoffs

JOB, OTHER = UUID(int=1), UUID(int=2)


def test_a_waiting_request_is_asked_for_after_a_while_then_at_doubling_pauses() -> None:
    backoffs = RequestBackoffs(first_pause_s=10)
    asked_at = [second for second in range(180) if backoffs.due([JOB], float(second))]
    assert asked_at == [10, 30, 70, 150]


def test_the_pause_has_a_limit() -> None:
    backoffs = RequestBackoffs(first_pause_s=10)
    asked_at = [second for second in range(5000) if backoffs.due([JOB], float(second))]
    assert asked_at[-1] - asked_at[-2] == LONGEST_PAUSE_S


def test_what_was_taken_up_is_forgotten_and_starts_anew() -> None:
    backoffs = RequestBackoffs(first_pause_s=10)
    for pages in ([[JOB], [OTHER]], [[OTHER]], [[OTHER]]):
        for page in pages:
            backoffs.due(page, 0.0)
        backoffs.all_seen()
    assert len(backoffs) == 1
    assert backoffs.due([JOB, OTHER], 10.0) == [OTHER]


def test_what_is_on_another_page_is_not_forgotten() -> None:
    backoffs = RequestBackoffs(first_pause_s=10)
    backoffs.due([JOB], 0.0)
    backoffs.due([OTHER], 1.0)
    backoffs.all_seen()
    assert backoffs.due([JOB], 10.0) == [JOB]
