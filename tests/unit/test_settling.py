"""What becomes of the units of a chunk with effects outside: whatever happens in between, they add up."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobmonitor.job_types.outside import UNKNOWN, Effect, Later, Left, Settled
from jobmonitor.job_types.protocol import Part
from jobmonitor.processor.counting import BadPart, must_add_up
from jobmonitor.processor.settling import Acting, checked_answers, settle_left

SENT = Settled("sent")
reserved = st.lists(st.sampled_from([Effect(1), Settled("skipped")]), max_size=30)
answers = st.sampled_from([SENT, Settled("refused", rejected=True), Later("busy", 5.0), Later("busy", 60.0)])


def acting(reserved: list[Effect | Settled], *, times_left: int = 0, later_max: int = 3) -> Acting:
    return Acting(list(range(len(reserved))), [*reserved], times_left, later_max)


@given(reserved, st.data())
def test_units_add_up_wherever_it_ends(reserved: list[Effect | Settled], data: st.DataObject) -> None:
    """Settled, left for later, and not begun: each unit is exactly one of them."""
    work = acting(reserved, times_left=data.draw(st.integers(0, 5)))
    ends_at = data.draw(st.integers(0, len(reserved)))
    for place, _ in work.effects()[:ends_at]:
        work.begin(place)
        work.answer(data.draw(answers))
    rest = work.effects()
    is_in_flight: bool = data.draw(st.booleans())
    if rest and is_in_flight:
        work.begin(rest[0][0])
        data.draw(st.sampled_from([work.interrupted, work.was_not_begun]))()

    settled = [unit for unit, _ in work.settled()]
    later = [unit for units in work.later().values() for unit in units]
    assert sorted([*settled, *later, *work.not_begun()]) == work.units
    counts = work.counts(rows=0)
    assert sum(counts.outcomes.values()) == len(settled)
    assert 0 <= counts.rejected <= len(settled)


@given(reserved)
def test_after_a_crash_all_that_was_to_be_done_is_unknown_and_nothing_is_done_again(
    reserved: list[Effect | Settled],
) -> None:
    work = acting(reserved)
    effects = len(work.effects())
    work.found_after_crash()
    assert (work.effects(), work.later(), work.not_begun()) == ([], {}, [])
    assert work.counts(0).outcomes.get(UNKNOWN, 0) == effects
    assert work.counts(0).rejected == effects


def test_only_the_effect_in_flight_is_unknown_when_acting_is_interrupted() -> None:
    work = acting([Effect("a"), Effect("b"), Effect("c")])
    work.begin(0)
    work.answer(SENT)
    work.begin(1)
    work.interrupted()
    assert work.settled() == [(0, SENT), (1, Settled(UNKNOWN, rejected=True))]
    assert work.not_begun() == [2]


def test_an_effect_that_surely_did_not_happen_is_not_begun() -> None:
    work = acting([Effect("a"), Effect("b")])
    work.begin(0)
    work.was_not_begun()
    work.interrupted()
    assert work.nothing_happened()


def test_what_has_another_pause_is_left_apart() -> None:
    work = acting([Effect(1)] * 3)
    for place, after_s in enumerate([5.0, 60.0, 5.0]):
        work.begin(place)
        work.answer(Later("busy", after_s))
    assert work.later() == {5.0: [0, 2], 60.0: [1]}


def test_what_was_left_too_often_is_refused_with_the_reason() -> None:
    work = acting([Effect(1)], times_left=3, later_max=3)
    work.begin(0)
    work.answer(Later("mailbox_full", 5.0))
    assert work.settled() == [(0, Settled("mailbox_full", rejected=True))]


@pytest.mark.parametrize("answer", [None, Effect(1), "sent"])
def test_an_answer_that_is_none_leaves_the_effect_in_doubt(answer: Any) -> None:
    work = acting([Effect(1)])
    work.begin(0)
    with pytest.raises(BadPart):
        work.answer(answer)
    work.interrupted()
    assert work.counts(0).outcomes == {UNKNOWN: 1}


@pytest.mark.parametrize(
    ("payload", "answers"), [([1, 2], [SENT]), ({"a": 1, "b": 2}, [SENT, SENT]), ([1], [SENT, SENT])]
)
def test_what_is_reserved_has_one_answer_for_each_unit(payload: Any, answers: list[Any]) -> None:
    with pytest.raises(BadPart):
        checked_answers(payload, answers, units=2)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 6))
def test_a_part_and_what_it_leaves_are_all_its_units(done: int, left: int, times_left: int) -> None:
    part = Part(b"", {"done": done}, left=Left(units=left, payload=None, after_s=1, reason="busy"))
    settled, leaves = settle_left(part, times_left=times_left, later_max=3, in_order=False)
    must_add_up(settled, units=done + left - (leaves.units if leaves else 0))
    assert (leaves is not None) == (left > 0 and times_left < 3)
    assert settled.rejected == (left if leaves is None else 0)


@pytest.mark.parametrize("value", ["a\x00b", object(), {"a": ["\x00"]}])
def test_what_the_ledger_cannot_keep_is_a_bug_of_the_type(value: Any) -> None:
    with pytest.raises(BadPart):
        checked_answers([1], [Effect(value)], units=1)
    with pytest.raises(BadPart):
        settle_left(
            Part(b"", {}, left=Left(units=1, payload=value, after_s=1)), times_left=0, later_max=1, in_order=False
        )


def test_chunks_that_run_in_order_leave_nothing() -> None:
    part = Part(b"", {}, left=Left(units=1, payload=None, after_s=1))
    with pytest.raises(BadPart):
        settle_left(part, times_left=0, later_max=3, in_order=True)
