"""Slowing down guesses: how many are allowed, for how long, whom they keep out, and what is remembered."""

import pytest

from jobmonitor.gateway.access.guesses import WINDOW_S, Guesses
from jobmonitor.gateway.access.sessions import digest
from jobmonitor.gateway.http.limits import REMEMBERED_AT_MOST
from jobmonitor.gateway.http.problems import Problem

ADDRESS, CLIENT = "a@example.org", "192.0.2.1"
OF_PAIR, OF_CLIENT = 10, 30


def _guessed(times: int, *, at_s: float = 0.0) -> Guesses:
    guesses = Guesses(OF_PAIR, OF_CLIENT)
    for _ in range(times):
        guesses.reserve(ADDRESS, CLIENT, at_s)
    return guesses


def _is_refused(guesses: Guesses, address: str = ADDRESS, client: str = CLIENT, *, now_s: float = 1.0) -> bool:
    try:
        guesses.give_back(guesses.reserve(address, client, now_s))
    except Problem as problem:
        return problem.status_code == 429
    return False


def test_only_the_last_guess_allowed_closes_the_door() -> None:
    assert not _is_refused(_guessed(OF_PAIR - 1))
    assert _is_refused(_guessed(OF_PAIR))


def test_it_opens_again_by_itself() -> None:
    guesses = _guessed(OF_PAIR)

    assert _is_refused(guesses, now_s=WINDOW_S - 1)
    assert not _is_refused(guesses, now_s=WINDOW_S)


def test_others_are_not_kept_out_nor_is_the_same_account_from_elsewhere() -> None:
    guesses = _guessed(OF_PAIR)

    assert not _is_refused(guesses, address="b@example.org")
    assert not _is_refused(guesses, client="192.0.2.2")


def test_one_client_cannot_go_through_many_accounts() -> None:
    guesses = Guesses(OF_PAIR, OF_CLIENT)
    for number in range(OF_CLIENT):
        guesses.reserve(f"{number}@example.org", CLIENT, 0.0)

    assert _is_refused(guesses)
    assert not _is_refused(guesses, client="192.0.2.2")


def test_who_logged_in_before_is_not_kept_out_by_others_behind_the_same_address() -> None:
    guesses = _guessed(1)
    guesses.forgive(ADDRESS, CLIENT)
    for number in range(OF_CLIENT):
        guesses.reserve(f"{number}@example.org", CLIENT, 0.0)

    assert not _is_refused(guesses)
    assert _is_refused(guesses, address="c@example.org")


def test_a_success_forgives() -> None:
    guesses = _guessed(OF_PAIR)

    guesses.forgive(ADDRESS, CLIENT)

    assert not _is_refused(guesses)


def test_a_guess_that_was_not_tried_does_not_count() -> None:
    guesses = _guessed(OF_PAIR - 1)

    guesses.give_back(guesses.reserve(ADDRESS, CLIENT, 0.0))

    assert not _is_refused(guesses)


def test_what_is_remembered_is_bounded() -> None:
    guesses = _guessed(OF_PAIR)

    for number in range(REMEMBERED_AT_MOST):
        guesses.reserve(f"{number}@example.org", f"client {number}", 1.0)

    assert not _is_refused(guesses), "the oldest was forgotten"


def test_a_token_is_known_by_its_digest() -> None:
    assert digest("a") != digest("b")
    assert len(digest("a")) == 32


def test_retry_after_says_when() -> None:
    with pytest.raises(Problem) as refused:
        _guessed(OF_PAIR).reserve(ADDRESS, CLIENT, 60.0)
    assert refused.value.headers == {"retry-after": "240"}
