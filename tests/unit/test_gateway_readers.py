"""Which job type a file is for, by its name, and who may send it."""

from typing import Any

import pytest

from jobmonitor.crm.users import Viewer
from jobmonitor.gateway.http.problems import Problem
from jobmonitor.gateway.uploads.readers import ending_of, reader_of, require_uploads
from jobmonitor.job_types.defaults import JobTypeDefaults
from jobmonitor.job_types.protocol import UploadRule
from support.people import viewer


class Tables(JobTypeDefaults[Any]):
    slug, title, permission = "tables", "Table", "import"
    upload = UploadRule(media_types={"csv": "text/csv", "xlsx": "application/xlsx"}, bytes_max=100)


class Texts(JobTypeDefaults[Any]):
    slug, title, permission = "texts", "Text", "read"
    upload = UploadRule(media_types={"txt": "text/plain", "csv": "text/plain"}, bytes_max=10)


class Numbers(JobTypeDefaults[Any]):
    slug, title, permission = "numbers", "Number", "read"


JOB_TYPES: dict[str, Any] = {each.slug: each for each in (Numbers(), Tables(), Texts())}


def who_may(*permissions: str) -> Viewer:
    return viewer(permissions=frozenset(permissions))


BOTH = who_may("import", "read")


@pytest.mark.parametrize(
    ("who", "name", "slug", "expected"),
    [
        (BOTH, "people.csv", None, ("tables", "text/csv")),
        (BOTH, "PEOPLE.CSV", None, ("tables", "text/csv")),
        (BOTH, "people.csv", "texts", ("texts", "text/plain")),
        (BOTH, "a.b.txt", None, ("texts", "text/plain")),
        (who_may("read"), "people.csv", None, ("texts", "text/plain")),
    ],
)
def test_the_type_that_reads_a_file(who: Viewer, name: str, slug: str | None, expected: tuple[str, str]) -> None:
    reader = reader_of(JOB_TYPES, who, name, slug)

    assert (reader.job_type.slug, reader.media_type) == expected


@pytest.mark.parametrize(
    ("who", "name", "slug", "status", "field", "words"),
    [
        (BOTH, "people.pdf", None, 422, "name", ".csv, .xlsx or .txt"),
        (BOTH, "people", None, 422, "name", ".csv"),
        (BOTH, "people.txt", "tables", 422, "name", ".csv or .xlsx"),
        (BOTH, "people.csv", "numbers", 422, "type", "read no file"),
        (BOTH, "people.csv", "unknown", 422, "type", "no job type 'unknown'"),
        (who_may("read"), "people.xlsx", None, 422, "name", ".txt or .csv"),
        (who_may("read"), "people.csv", "tables", 403, None, "'import'"),
    ],
)
def test_a_file_that_no_type_reads_for_the_viewer(
    who: Viewer, name: str, slug: str | None, status: int, field: str | None, words: str
) -> None:
    with pytest.raises(Problem) as refused:
        reader_of(JOB_TYPES, who, name, slug)

    assert refused.value.status_code == status
    assert words in refused.value.detail
    assert [error.field for error in refused.value.errors or []] == ([field] if field else [])


def test_who_may_start_no_type_that_reads_files_may_send_none() -> None:
    require_uploads(JOB_TYPES, who_may("read"))

    for job_types, words in ((JOB_TYPES, "'import' or 'read'"), ({"numbers": Numbers()}, "No job type")):
        with pytest.raises(Problem) as refused:
            require_uploads(job_types, who_may("export"))  # type: ignore[arg-type]
        assert refused.value.status_code == 403
        assert words in refused.value.detail


@pytest.mark.parametrize(("name", "ending"), [("a.CSV", "csv"), ("a.tar.gz", "gz"), ("csv", ""), (".csv", "csv")])
def test_the_ending_of_a_name(name: str, ending: str) -> None:
    assert ending_of(name) == ending
