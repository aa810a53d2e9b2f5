"""Named values and parts in SQL."""

import pytest

from jobmonitor.database.statement import Statement, joined


def test_names_are_numbered_and_statements_share_one_list_of_values() -> None:
    first = Statement("a = :one::bigint[] AND b = :two OR c = :one").bind(one=[1], two="x")
    second = Statement("d = :one").bind(one=2)

    both = joined(" / ", [first, second])

    assert both.text == "a = $1::bigint[] AND b = $2 OR c = $1 / d = $3"
    assert both.arguments({}) == [[1], "x", 2]


def test_a_name_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="missing"):
        Statement("SELECT :missing").arguments({})


def test_values_of_a_call_stand_beside_those_of_a_part() -> None:
    inner = Statement("SELECT id FROM t WHERE x = ANY (:ids)").bind(ids=[7])
    whole = Statement("SELECT * FROM ({rows}) AS r WHERE id > :ids LIMIT :limit").fill(rows=inner)

    assert whole.text == "SELECT * FROM (SELECT id FROM t WHERE x = ANY ($1)) AS r WHERE id > $2 LIMIT $3"
    assert whole.arguments({"ids": 1, "limit": 5}) == [[7], 1, 5]


def test_a_part_may_name_values_too_and_is_made_once() -> None:
    statement = Statement("SELECT '{view}' FROM job_{view} WHERE {filter}")

    filled = statement.fill(view="monitor", filter="owner = :owner")

    assert filled.text == "SELECT 'monitor' FROM job_monitor WHERE owner = $1"
    assert filled.names == ["owner"]
    assert statement.fill(view="monitor", filter="owner = :owner") is filled


def test_a_part_that_is_missing_is_an_error() -> None:
    with pytest.raises(ValueError, match="rows"):
        _ = Statement("SELECT * FROM {rows}").text


def test_the_names_of_values_are_known_before_all_parts_are_filled_in() -> None:
    statement = Statement("SELECT :b FROM {rows} WHERE a = :a AND b = :b AND c = :c").bind(c=1)

    assert statement.names == ["b", "a"]


def test_casts_slices_and_literals_are_no_names() -> None:
    text = "SELECT x::int, a[1:n], format('%s:stop:%s', y), '{page,page}'"

    assert Statement(text).text == text
