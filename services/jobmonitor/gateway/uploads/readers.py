"""Which job type will read a file, and who may send files at all."""

from typing import Any, NamedTuple

from jobmonitor.contract.limits import has_unseen
from jobmonitor.crm.users import Viewer
from jobmonitor.gateway.access.job_types import JobTypesBySlug, startable
from jobmonitor.gateway.access.policy import may_start
from jobmonitor.gateway.http.bodies import invalid
from jobmonitor.gateway.http.problems import Problem
from jobmonitor.job_types.parameters import FieldProblem
from jobmonitor.job_types.protocol import JobType, UploadRule


class Reader(NamedTuple):
    """A job type that takes a file of this name."""

    job_type: JobType[Any]
    rule: UploadRule
    ending: str

    @property
    def media_type(self) -> str:
        return self.rule.media_types[self.ending]


def ending_of(name: str) -> str:
    """Of a file's name, without the dot and in lower case; empty where it has none."""
    _, dot, ending = name.rpartition(".")
    return ending.lower() if dot else ""


def require_uploads(job_types: JobTypesBySlug, viewer: Viewer) -> None:
    """Raises Problem 403: no job type that the viewer may start reads files."""
    reading = [job_type for job_type in job_types.values() if job_type.upload is not None]
    if any(may_start(viewer, job_type) for job_type in reading):
        return
    needed = _either(dict.fromkeys(repr(job_type.permission) for job_type in reading))
    detail = f"Uploading files needs the permission {needed}." if needed else "No job type here reads files."
    raise Problem(403, detail, code="not_permitted")


def reader_of(job_types: JobTypesBySlug, viewer: Viewer, name: str, slug: str | None) -> Reader:
    """The type that was named, or else the first that the viewer may start and that takes such a file.

    Raises Problem: 422 there is none, 403 the viewer may not start it.
    """
    if has_unseen(name):
        detail = "A file name cannot contain control characters, or characters that change the direction of text."
        raise invalid([FieldProblem("name", detail)])
    asked = job_types.values() if slug is None else [startable(job_types, viewer, slug)]
    reading = [(each, each.upload) for each in asked if each.upload is not None and may_start(viewer, each)]
    ending = ending_of(name)
    for job_type, rule in reading:
        if ending in rule.media_types:
            return Reader(job_type, rule, ending)
    if slug is not None and not reading:
        raise invalid([FieldProblem("type", f"Jobs of the type {job_types[slug].title} read no file.")])
    taken = _either(dict.fromkeys(f".{ending}" for _, rule in reading for ending in rule.media_types))
    raise invalid([FieldProblem("name", f"Only files ending in {taken} can be read.")], code="unknown_kind")


def _either(names: dict[str, None]) -> str:
    """``.csv, .txt or .xlsx``."""
    *others, last = names or [""]
    return f"{', '.join(others)} or {last}" if others else last
