"""What the columns of an imported file mean: by heading, by mapping, by saved format; and what is refused."""

import pytest

from jobmonitor.job_types.protocol import Refused
from jobmonitor.job_types.user_data_import.columns import Column, check_format, resolve, suggest
from jobmonitor.job_types.user_data_import.options import ColumnTarget, ColumnTargets, column_targets
from jobmonitor.job_types.user_data_import.targets import (
    ColumnMapping,
    ImportFormat,
    ImportTargets,
    TargetField,
    TargetPage,
    TargetQuestion,
)

TARGETS = ImportTargets(
    fields=[
        TargetField(id=1, name="Email", tag="email"),
        TargetField(id=2, name="City", tag="city"),
        TargetField(id=3, name="city"),
        TargetField(id=4, name="=Total"),
        TargetField(id=5, name="Born", input_type="date"),
        TargetField(id=6, name="HPC Amount", tag="hpc_amount"),
        TargetField(id=7, name="HPC Currency", tag="hpc_currency"),
    ],
    questions=[
        TargetQuestion(id=1, name="News", kind="opt_in"),
        TargetQuestion(id=2, name="City", kind="question"),
        TargetQuestion(id=3, name="Source", kind="question"),
    ],
    pages=[
        TargetPage(id=1, name="River", kind="petition", status="live", campaign_id=11),
        TargetPage(id=2, name="Old", kind="petition", status="closed", campaign_id=12),
        TargetPage(id=3, name="Give", kind="donation", status="live", campaign_id=13),
    ],
)
EMAIL = ColumnMapping(header="Email", to="email")


def suggested(*headings: str) -> list[tuple[str, int | None]]:
    return [(column.to, column.id) for column in suggest(headings, TARGETS)]


def refused(*mappings: ColumnMapping, headings: tuple[str, ...] = ("Email", "City")) -> tuple[str, str | None]:
    with pytest.raises(Refused) as found:
        resolve(headings, mappings, TARGETS)
    return found.value.code, found.value.parameter


def test_headings_are_matched_to_fields_then_questions_then_live_pages() -> None:
    assert suggested("Source", "River", "City", "Email", "Shoe size", "Old", "Give", "News") == [
        ("question", 3),
        ("page", 1),
        ("field", 2),
        ("email", None),
        ("skip", None),
        ("skip", None),
        ("skip", None),
        ("question", 1),
    ]


def test_an_exact_match_goes_before_one_in_other_letters() -> None:
    assert suggested(" EMAIL ", "CITY", "city", "source ") == [
        ("email", None),
        ("field", 2),
        ("field", 3),
        ("question", 3),
    ]


def test_two_columns_never_fill_the_same() -> None:
    assert suggested("E-mail", "Email address", "news", "News") == [
        ("email", None),
        ("skip", None),
        ("skip", None),
        ("question", 1),
    ]


def test_a_heading_that_our_own_export_guarded_is_still_known() -> None:
    assert suggested("'=Total") == [("field", 4)]


def test_the_mapping_says_what_each_column_may_hold() -> None:
    headings = ("Born", "HPC Amount", "HPC Currency", "News", "Source", "River", "Email")
    assert [(column.header, column.rule) for column in resolve(headings, [], TARGETS)] == [
        ("Born", "date"),
        ("HPC Amount", "amount"),
        ("HPC Currency", "currency"),
        ("News", "opt_in"),
        ("Source", "text"),
        ("River", "participation"),
        ("Email", "email"),
    ]


def test_a_mapping_of_ones_own_replaces_the_matching_and_skips_what_it_does_not_name() -> None:
    mappings = [ColumnMapping(header="Mail", to="field", id=1), ColumnMapping(header="Town", to="page", id=1)]
    assert resolve(["Town", "City", "Mail"], mappings, TARGETS) == [
        Column(0, "Town", "page", 11, "participation", "PET"),
        Column(2, "Mail", "email", 0, "email"),
    ]


@pytest.mark.parametrize(
    ("mapping", "code"),
    [
        (ColumnMapping(header="City", to="field", id=99), "unknown_field"),
        (ColumnMapping(header="City", to="field"), "unknown_field"),
        (ColumnMapping(header="City", to="question", id=99), "unknown_question"),
        (ColumnMapping(header="City", to="page", id=99), "unknown_page"),
        (ColumnMapping(header="City", to="page", id=2), "page_not_live"),
        (ColumnMapping(header="City", to="page", id=3), "page_takes_gifts"),
        (ColumnMapping(header="City", to="email"), "mapped_twice"),
        (ColumnMapping(header="City", to="field", id=1), "mapped_twice"),
        (ColumnMapping(header="Email", to="skip"), "mapped_twice"),
        (ColumnMapping(header="Town", to="field", id=2), "unknown_header"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(mapping: ColumnMapping, code: str) -> None:
    assert refused(EMAIL, mapping) == (code, "columns")


def test_without_an_email_column_nobody_can_be_matched() -> None:
    assert refused(headings=("City",)) == ("email_required", "upload")
    assert refused(ColumnMapping(header="City", to="field", id=2)) == ("email_required", "upload")


@pytest.mark.parametrize(
    ("headings", "said"),
    [
        (["City", "Email"], "column 1 is 'City', not 'Email'"),
        (["Email", "city"], "column 2 is 'city', not 'City'"),
        (["Email"], "1 columns, not 2"),
        (["Email", "City", "Zip"], "3 columns, not 2"),
    ],
)
def test_a_saved_format_has_to_be_matched_exactly(headings: list[str], said: str) -> None:
    columns = [EMAIL, ColumnMapping(header="City", to="skip")]
    saved = ImportFormat(id=1, name="Event", columns=columns, mode="only_create")
    check_format(["Email", "City"], saved)
    with pytest.raises(Refused, match=said) as found:
        check_format(headings, saved)
    assert (found.value.code, found.value.parameter) == ("format_mismatch", "format_id")


def test_the_email_field_is_offered_once_as_the_address_and_groups_without_anything_not_at_all() -> None:
    targets = ImportTargets(
        fields=[TargetField(id=7, name="Town"), TargetField(id=1, name="Mail", tag="email")],
        questions=[TargetQuestion(id=2, name="News", kind="opt_in_confirm")],
        pages=[],
    )
    assert column_targets(targets) == [
        ColumnTargets("Supporter fields", [ColumnTarget("email", None, "Mail"), ColumnTarget("field", 7, "Town")]),
        ColumnTargets("Opt-ins (Y or N)", [ColumnTarget("question", 2, "News")]),
    ]
