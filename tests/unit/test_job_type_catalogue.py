"""The list of job types: found by slug, and wrong lists fail at once."""

import pytest

from jobmonitor.job_types.registry import JOB_TYPES, UnknownJobType, by_slug, job_type
from jobmonitor.job_types.user_data_export.job_type import UserDataExport


def test_every_job_type_is_found_by_its_slug() -> None:
    assert [job_type(listed.slug) for listed in JOB_TYPES] == list(JOB_TYPES)


def test_an_unknown_slug_is_named() -> None:
    with pytest.raises(UnknownJobType, match="no job type 'user-data-exprot'"):
        job_type("user-data-exprot")


def test_a_slug_twice_fails() -> None:
    with pytest.raises(ValueError, match="Two job types are called 'user-data-export'"):
        by_slug([UserDataExport(), UserDataExport()], ["user-data-export"])


def test_a_job_type_without_topics_fails() -> None:
    with pytest.raises(ValueError, match="do not match: user-data-export"):
        by_slug([UserDataExport()], [])


def test_topics_without_a_job_type_fail() -> None:
    with pytest.raises(ValueError, match="do not match: teleport"):
        by_slug([UserDataExport()], ["user-data-export", "teleport"])
