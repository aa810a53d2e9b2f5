"""When a message that keeps ending its process is put aside."""

from hypothesis import given
from hypothesis import strategies as st

from jobmonitor.runtime.poison import ENDS_MAX, IN_A_ROW_MAX, is_put_aside


def test_a_message_may_end_its_process_a_few_times() -> None:
    judged = [is_put_aside(ends=ends, put_aside_in_a_row=0) for ends in range(1, 7)]
    assert judged == [False] * (ENDS_MAX - 1) + [True, True]


@given(st.integers(1, 1000))
def test_a_fault_of_every_message_puts_a_few_aside_and_no_more(messages: int) -> None:
    put_aside = 0
    for _ in range(messages):
        put_aside += is_put_aside(ends=ENDS_MAX, put_aside_in_a_row=put_aside)
    assert put_aside == min(messages, IN_A_ROW_MAX)
