"""The account of one reading: what may be committed."""

from faust.types import TP

from jobmonitor.processor.no_skip import PartitionOffsets, Reading

HERE = TP("work", 0)


def reading(*in_flight: int, due: int, committed: int = 5) -> Reading:
    return Reading({HERE: PartitionOffsets(due, committed, dict.fromkeys(in_flight))})


def test_nothing_is_committed_before_anything_was_handed_over() -> None:
    assert reading(due=5).to_commit() == {}


def test_an_event_not_acknowledged_holds_back_all_behind_it() -> None:
    account = reading(5, 6, 7, due=8)
    account.ack(HERE, [6, 7])
    assert account.to_commit() == {}
    account.ack(HERE, [5])
    assert account.to_commit() == {HERE: 8}


def test_a_hole_of_the_log_is_committed_over() -> None:
    account = reading(5, 90, due=95)
    account.ack(HERE, [5])
    assert account.to_commit() == {HERE: 90}
    account.ack(HERE, [90])
    assert account.to_commit() == {HERE: 95}


def test_a_log_begun_anew_is_committed_below_the_old_offset() -> None:
    account = reading(0, 1, due=2, committed=100)
    account.ack(HERE, [0])
    assert account.to_commit() == {HERE: 1}


def test_acknowledgements_of_partitions_given_back_count_for_nothing() -> None:
    account = reading(5, due=6)
    account.ack(TP("work", 1), [5])
    assert account.to_commit() == {}


def test_what_is_committed_is_not_committed_again() -> None:
    account = reading(due=8)
    account.note_commit({HERE: 8, TP("work", 1): 3})
    assert account.to_commit() == {}
