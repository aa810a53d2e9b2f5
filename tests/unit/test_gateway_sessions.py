"""Slowing down guesses: how many failures are allowed, for how long, and what is remembered."""

from jobmonitor.gateway.sessions import FAILURE_WINDOW_S, FAILURES_ALLOWED, WATCHED_AT_MOST, FailedLogins, digest

KEY = ("a@example.org", "192.0.2.1")


def _failed(times: int, *, at_s: float = 0.0) -> FailedLogins:
    failures = FailedLogins()
    for _ in range(times):
        failures.note(KEY, at_s)
    return failures


def test_only_the_last_failure_allowed_closes_the_door() -> None:
    assert _failed(FAILURES_ALLOWED - 1).wait_s(KEY, 1) == 0
    assert _failed(FAILURES_ALLOWED).wait_s(KEY, 1) == FAILURE_WINDOW_S - 1


def test_it_opens_again_by_itself() -> None:
    failures = _failed(FAILURES_ALLOWED)

    assert failures.wait_s(KEY, FAILURE_WINDOW_S - 1) > 0
    assert failures.wait_s(KEY, FAILURE_WINDOW_S) == 0


def test_others_are_not_kept_out() -> None:
    failures = _failed(FAILURES_ALLOWED)

    assert failures.wait_s(("b@example.org", KEY[1]), 1) == 0
    assert failures.wait_s((KEY[0], "192.0.2.2"), 1) == 0


def test_a_success_forgives() -> None:
    failures = _failed(FAILURES_ALLOWED)

    failures.forget(KEY)

    assert failures.wait_s(KEY, 1) == 0


def test_what_is_remembered_is_bounded() -> None:
    failures = _failed(FAILURES_ALLOWED)

    for number in range(WATCHED_AT_MOST):
        failures.note((f"{number}@example.org", "x"), 1)

    assert failures.wait_s(KEY, 1) == 0, "the oldest was forgotten"


def test_a_digest_does_not_give_the_token_away() -> None:
    assert len(digest("token")) == 32
    assert digest("token") == digest("token") != digest("token2")
