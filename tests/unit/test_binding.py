"""Named parameters in SQL."""

import pytest

from jobmonitor.crm.binding import bind


def test_names_are_numbered_and_statements_share_one_list_of_values() -> None:
    arguments: list[object] = []

    first = bind("a = :one::bigint[] AND b = :two OR c = :one", arguments, one=[1], two="x", unused=None)
    second = bind("d = :one", arguments, one=2)

    assert (first, second) == ("a = $1::bigint[] AND b = $2 OR c = $1", "d = $3")
    assert arguments == [[1], "x", 2]


def test_a_name_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="missing"):
        bind("SELECT :missing", [])
