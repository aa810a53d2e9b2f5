"""The lists of job types. A doubled slug, or one without topics, fails at import: at the start of any process."""

from collections.abc import Iterable
from typing import Any

from jobmonitor.contract import topics
from jobmonitor.job_types.probe.job_type import Probe
from jobmonitor.job_types.protocol import JobType
from jobmonitor.job_types.user_data_export.job_type import UserDataExport
from jobmonitor.job_types.user_data_import.job_type import UserDataImport


class UnknownJobType(KeyError):
    """There is no job type with this slug."""

    def __str__(self) -> str:
        return f"There is no job type {self.args[0]!r}."


def by_slug(job_types: Iterable[JobType[Any]], slugs_with_topics: Iterable[str]) -> dict[str, JobType[Any]]:
    """The job types under their slugs. Raises ValueError: a slug twice, or slugs and topics that do not match."""
    found: dict[str, JobType[Any]] = {}
    for job_type in job_types:
        if job_type.slug in found:
            raise ValueError(f"Two job types are called {job_type.slug!r}.")
        found[job_type.slug] = job_type
    if unmatched := set(found) ^ set(slugs_with_topics):
        raise ValueError(f"Topics and job types do not match: {', '.join(sorted(unmatched))}.")
    return found


OFFERED: tuple[JobType[Any], ...] = (UserDataExport(), UserDataImport())
"""Those that users may start. A processor serves them unless its settings say otherwise."""
JOB_TYPES: tuple[JobType[Any], ...] = (*OFFERED, Probe())

_BY_SLUG = by_slug(JOB_TYPES, topics.job_types(with_probe=True))


def chosen(slugs: str) -> tuple[JobType[Any], ...]:
    """The job types that a setting names, separated by commas; an empty one means those offered.

    Raises UnknownJobType.
    """
    named = [slug.strip() for slug in slugs.split(",") if slug.strip()]
    return tuple(map(job_type, named)) if named else OFFERED


def job_type(slug: str) -> JobType[Any]:
    """The job type with this slug. Raises UnknownJobType."""
    try:
        return _BY_SLUG[slug]
    except KeyError:
        raise UnknownJobType(slug) from None
