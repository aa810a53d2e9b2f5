"""What one row of an imported file does: its outcome, what changes, and why it is refused."""

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobmonitor.job_types.files.csv_files import neutralise
from jobmonitor.job_types.user_data_import.columns import Column
from jobmonitor.job_types.user_data_import.rows import Decision, Outcome, Row, Rules, addresses, decide_row
from jobmonitor.job_types.user_data_import.store import Known, StoredAnswer

COLUMNS = [
    Column(0, "Email", "email", 0, "email"),
    Column(1, "City", "field", 1, "text"),
    Column(2, "Born", "field", 2, "date"),
    Column(3, "News", "question", 1, "opt_in"),
    Column(4, "Source", "question", 2, "text"),
    Column(5, "River", "page", 7, "participation", "PET"),
    Column(6, "HPC Amount", "field", 3, "amount"),
    Column(7, "HPC Currency", "field", 4, "currency"),
]
PLACES = {column.header: place for place, column in enumerate(COLUMNS)}
DECIMALS = {"USD": 2, "JPY": 0, "KWD": 3}
ANN = Known(id=5, values={1: "Leeds", 2: "once"}, answers={1: StoredAnswer("N", "page")}, campaigns=frozenset({7}))


def rules(**changes: Any) -> Rules:
    usual: dict[str, Any] = {"mode": "add_and_update", "resubscribe": False, "tag": None, "guarded": True}
    return Rules(columns=COLUMNS, **(usual | changes))


def row(number: int = 2, *, surplus: bool = False, **cells: str) -> Row:
    """A row with these cells, under the headings with ``_`` for a space; the others are empty."""
    texts = [""] * len(COLUMNS)
    for heading, cell in cells.items():
        texts[PLACES[heading.replace("_", " ")]] = cell
    return Row(number, texts, surplus)


def decided(of: Row, known: Known | None = None, address: str = "a@x.org", **changes: Any) -> Decision:
    return decide_row(of, address, known, rules(**changes), DECIMALS)


@pytest.mark.parametrize(
    "address",
    [
        "a@x.org",
        "first.last+tag@sub.example.co.uk",
        "o'brien@x.org",
        "1@x1.org",
        "größe@bücher.example",
        "a@xn--a.xn--b1",
    ],
)
def test_addresses_that_can_be(address: str) -> None:
    assert decided(row(), address=address).outcome == "created"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "not-an-email",
        "a@b",
        "@x.org",
        "a@",
        "a b@x.org",
        "a@x..org",
        ".a@x.org",
        "a.@x.org",
        "a..b@x.org",
        "a@-x.org",
        "a@x.org.",
        "a@b@x.org",
        "a@x.1",
        "a,b@x.org",
        "<a@x.org>",
        "a@x.org\n",
        "a\x00@x.org",
        "a" * 495 + "@x.org",
    ],
)
def test_addresses_that_cannot_be(address: str) -> None:
    decision = decided(row(City="Leeds"), address=address)
    assert (decision.outcome, decision.code, decision.values, decision.after) == ("error", "bad_email", {}, None)


def test_500_characters_of_address_are_allowed() -> None:
    assert decided(row(), address="a" * 494 + "@x.org").outcome == "created"


def test_who_is_known_is_found_by_any_address_that_is_stored() -> None:
    assert decided(row(), ANN, address="two words").outcome == "unchanged"


@pytest.mark.parametrize(
    ("cells", "code", "named"),
    [
        ({"Born": "1/2/2000"}, "bad_date", "Born"),
        ({"Born": "2001-02-29"}, "bad_date", "Born"),
        ({"Born": "20010228"}, "bad_date", "Born"),
        ({"News": "y"}, "bad_opt_in", "News"),
        ({"News": "Y "}, "bad_opt_in", "News"),
        ({"News": "\\N"}, "bad_opt_in", "News"),
        ({"River": "N"}, "bad_participation", "River"),
        ({"HPC_Amount": "-5"}, "bad_amount", "HPC Amount"),
        ({"HPC_Amount": "1,000"}, "bad_amount", "HPC Amount"),
        ({"HPC_Amount": "1.2345"}, "bad_amount", "HPC Amount"),
        ({"HPC_Amount": "1.5", "HPC_Currency": "JPY"}, "bad_amount", "HPC Amount"),
        ({"HPC_Currency": "usd"}, "bad_currency", "HPC Currency"),
        ({"surplus": True}, "too_many_cells", "row"),
    ],
)
def test_a_row_that_says_what_cannot_be_is_refused_whole(cells: dict[str, Any], code: str, named: str) -> None:
    decision = decided(row(City="York", **cells))
    assert (decision.outcome, decision.code) == ("error", code)
    assert named in decision.message
    assert decision == Decision(outcome="error", code=code, message=decision.message)


@pytest.mark.parametrize("amount", ["5", "5.5", "5.50", "0.01", "123456789012"])
def test_amounts_that_can_be(amount: str) -> None:
    assert decided(row(HPC_Amount=amount, HPC_Currency="USD")).values == {3: amount, 4: "USD"}


def test_the_stored_currency_tells_how_many_decimals_an_amount_may_have() -> None:
    yen = Known(id=1, values={4: "JPY"})
    assert decided(row(HPC_Amount="5.5"), yen).code == "bad_amount"
    assert decided(row(HPC_Amount="5.5"), Known(id=1)).outcome == "updated"


def test_only_new_texts_are_changes_and_what_is_stored_is_never_wrong() -> None:
    decision = decided(row(City="York", Born="once", Source="A friend"), ANN)
    assert decision.outcome == "updated"
    assert (decision.values, decision.answers) == ({1: "York"}, {2: "A friend"})


@pytest.mark.parametrize("text", ["", "Leeds"])
def test_an_empty_cell_and_the_stored_text_change_nothing(text: str) -> None:
    assert decided(row(City=text), ANN) == Decision(
        outcome="unchanged",
        after=Known(id=5, values=ANN.values, answers=ANN.answers, campaigns=ANN.campaigns, first_row=2),
    )


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_a_guarded_cell_is_read_as_the_text_it_was(text: str) -> None:
    """And as such it is stored, unless the text has a ``'`` of its own before a formula."""
    cell = neutralise(text)
    assert decided(row(City=cell), Known(id=1, values={1: text})).outcome == "unchanged"
    if cell != text:
        assert decided(row(City=cell)).values == {1: text}


def test_a_workbooks_cells_are_never_guarded() -> None:
    assert decided(row(City="'=1"), guarded=False).values == {1: "'=1"}
    assert decided(row(City="'=1"), guarded=True).values == {1: "=1"}


def test_an_address_is_read_without_spaces_and_with_and_without_a_guard() -> None:
    assert addresses(row(Email="  A@X.org "), rules()) == ["A@X.org", "A@X.org"]
    assert addresses(row(Email="'+a@x.org"), rules()) == ["+a@x.org", "'+a@x.org"]
    assert addresses(row(Email="  "), rules()) == []


@pytest.mark.parametrize(
    ("stored", "resubscribe", "kept"),
    [
        (StoredAnswer("N", "page"), False, True),
        (StoredAnswer("N", "page"), True, False),
        (StoredAnswer("N", "import"), False, False),
        (StoredAnswer("N", "api"), False, False),
        (None, False, False),
    ],
)
def test_a_yes_counts_unless_the_supporter_unsubscribed(
    stored: StoredAnswer | None, resubscribe: bool, kept: bool
) -> None:
    known = Known(id=1, answers={} if stored is None else {1: stored})
    decision = decided(row(News="Y"), known, resubscribe=resubscribe)
    assert (decision.outcome, decision.code) == (("unchanged", "kept_unsubscribed") if kept else ("updated", ""))
    assert decision.answers == ({} if kept else {1: "Y"})


def test_a_no_always_counts() -> None:
    assert decided(row(News="N"), Known(id=1, answers={1: StoredAnswer("Y", "page")})).answers == {1: "N"}


@pytest.mark.parametrize("cell", ["P", "Y"])
def test_who_took_part_does_so_once(cell: str) -> None:
    assert decided(row(River=cell)).participations == {7: "PET"}
    assert decided(row(River=cell), ANN).participations == {}


def test_a_tag_is_for_everybody_who_is_imported() -> None:
    assert decided(row(), tag=(9, "EVT")).participations == {9: "EVT"}
    assert decided(row(), ANN, tag=(9, "EVT")).outcome == "updated"
    assert decided(row(), ANN, tag=(9, "EVT"), mode="only_create") == Decision(outcome="ignored_existing", after=ANN)
    assert decided(row(), address="bad", tag=(9, "EVT")).participations == {}


def test_the_second_row_of_an_address_adds_to_the_first() -> None:
    first = decided(row(2, City="York", Source="A friend"))
    second = decided(row(7, City="Bath"), first.after)
    assert (first.outcome, second.outcome) == ("created", "duplicate_in_file")
    assert "row 2" in second.message
    assert second.values == {1: "Bath"}
    assert second.after is not None
    assert (second.after.first_row, second.after.answers[2].value) == (2, "A friend")


CELLS = st.sampled_from(["", "Y", "N", "P", "x", "2026-01-02", "5", "USD", "=1", "'=1"])


@given(
    st.lists(CELLS, min_size=len(COLUMNS), max_size=len(COLUMNS)),
    st.none() | st.just(ANN) | st.just(Known(first_row=2)),
    st.sampled_from(["a@x.org", "bad"]),
    st.sampled_from(["add_and_update", "only_create"]),
    st.booleans(),
)
def test_any_row_has_one_outcome_and_repeating_it_changes_nothing_more(
    cells: list[str], known: Known | None, address: str, mode: str, surplus: bool
) -> None:
    of = Row(3, cells, surplus)
    decision = decided(of, known, address, mode=mode)
    assert decision.outcome in get_args(Outcome)
    assert (decision.outcome == "error") == (decision.after is None)
    changes = decision.values or decision.answers or decision.participations
    if decision.outcome in ("error", "unchanged", "ignored_existing"):
        assert not changes
    if decision.after is not None:
        again = decided(of, decision.after, address, mode=mode)
        assert not (again.values)
        assert not (again.answers)
        assert not (again.participations)
        assert again.after == decision.after
