"""Parameters within the limits, at them and past them; however they are looked at, the answer is the same."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobmonitor.contract import limits
from jobmonitor.contract.limits import DEPTH_MAX, INTEGER_MAX, NAMES_MAX, STRING_LENGTH_MAX, parameters_refused

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.sampled_from([INTEGER_MAX, INTEGER_MAX + 1, -INTEGER_MAX, -INTEGER_MAX - 1])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.sampled_from(["\0", "\\u0000", '":' * 1_001, "{" * 40, "1" * 30, "x" * STRING_LENGTH_MAX])
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), VALUES, max_size=5))
def test_the_fast_look_never_passes_what_the_thorough_one_refuses(parameters: dict[str, Any]) -> None:
    assert parameters_refused(parameters) == limits._too_much(parameters)


def _nested(levels: int) -> dict[str, Any]:
    inner: Any = 1
    for _ in range(levels - 1):
        inner = [inner]
    return {"x": inner}


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({}, None),
        (_nested(DEPTH_MAX), None),
        (_nested(DEPTH_MAX + 1), "too_deep"),
        ({str(number): 1 for number in range(NAMES_MAX)}, None),
        ({str(number): 1 for number in range(NAMES_MAX + 1)}, "too_many_names"),
        ({"x": "y" * STRING_LENGTH_MAX}, None),
        ({"x": "y" * (STRING_LENGTH_MAX + 1)}, "text_too_long"),
        ({"y" * (STRING_LENGTH_MAX + 1): 1}, "text_too_long"),
        ({"x": [INTEGER_MAX, -INTEGER_MAX, 10**18]}, None),
        ({"x": INTEGER_MAX + 1}, "number_too_large"),
        ({"x": 10**30}, "number_too_large"),
        ({"x": "\0"}, "nul_character"),
        ({"\0": 1}, "nul_character"),
        ({"x": "\\u0000"}, None),
        ({"x": ["y" * 10_000] * 30}, "too_large"),
    ],
)
def test_limits(parameters: dict[str, Any], code: str | None) -> None:
    refusal = parameters_refused(parameters)
    assert (refusal and refusal.code) == code
