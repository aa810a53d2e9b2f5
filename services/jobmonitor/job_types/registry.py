"""The job types that are installed, found by entry points: those of this distribution and of others in the same way.

An entry point's name is the type's slug, its value names the type itself: ``package.module:object``. The names alone
say which topics there are, so whoever needs no more than those imports no type.
"""

from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, get_args

import msgspec

from jobmonitor.contract.events import Slug
from jobmonitor.job_types.cpu_process import named
from jobmonitor.job_types.form import Form
from jobmonitor.job_types.form_fields import unknown_fields
from jobmonitor.job_types.protocol import JobType, UploadRule, Workers
from jobmonitor.job_types.secret_names import secret_fields
from jobmonitor.job_types.token_ids import problem_of_token_id
from jobmonitor.runtime.settings import StartError

OFFERED_GROUP = "jobmonitor.job_types"
"""The group of the types that users may start."""
INTERNAL_GROUP = "jobmonitor.internal_job_types"
"""The group of those that only tests, chaos runs and measurements start. They run where a setting names them."""
DISTRIBUTION = "jobmonitor"
WORKERS: tuple[str, ...] = get_args(Workers)


class BrokenJobType(StartError):
    """An installed job type cannot be used; the message names it and says why."""


class UnknownJobType(StartError):
    """There is no job type with this slug."""

    def __init__(self, slug: str, hint: str = "") -> None:
        super().__init__(f"There is no job type {slug!r}. {hint}".rstrip())


def slugs(*, with_probe: bool) -> tuple[str, ...]:
    """The slugs of the types users may start, and of the internal ones where they are wanted. Imports no type.

    Raises BrokenJobType: two types have the same slug, or one that no topic can be named after.
    """
    return tuple(_entry_points()) if with_probe else tuple(_slugs(OFFERED_GROUP))


def offered() -> tuple[JobType[Any], ...]:
    """The types users may start, by slug. Raises BrokenJobType."""
    return tuple(map(job_type, _slugs(OFFERED_GROUP)))


def installed() -> tuple[JobType[Any], ...]:
    """All types, the internal ones too, by slug. Raises BrokenJobType."""
    return tuple(map(job_type, _entry_points()))


def built_in() -> tuple[JobType[Any], ...]:
    """The types users may start that come with this distribution: those of the published schemas."""
    ours = (slug for slug in _slugs(OFFERED_GROUP) if distribution_of(_entry_points()[slug]) == DISTRIBUTION)
    return tuple(map(job_type, ours))


def permissions() -> frozenset[str]:
    """What is needed to start the types users may start."""
    return frozenset(each.permission for each in offered())


def enabled(named: str) -> tuple[JobType[Any], ...]:
    """The types that a setting names, separated by commas; an empty one means those offered.

    ``@heavy`` names all that heavy workers serve, however many there are. Raises UnknownJobType, BrokenJobType.
    """
    wanted = [name.strip() for name in named.split(",") if name.strip()]
    if not wanted:
        return offered()
    return tuple({each.slug: each for name in wanted for each in _named(name)}.values())


def _named(name: str) -> tuple[JobType[Any], ...]:
    if not name.startswith("@"):
        return (job_type(name),)
    if name[1:] not in WORKERS:
        raise UnknownJobType(name, f"Kinds of workers are {', '.join(f'@{kind}' for kind in WORKERS)}.")
    return tuple(each for each in offered() if each.capacity.workers == name[1:])


@cache
def job_type(slug: str) -> JobType[Any]:
    """The type with this slug. Raises UnknownJobType, BrokenJobType."""
    if slug not in _entry_points():
        raise UnknownJobType(slug)
    return load(_entry_points()[slug])


def by_slug(found: Iterable[EntryPoint]) -> dict[str, EntryPoint]:
    """Entry points under their names, sorted. Raises BrokenJobType: a name twice, or one that no topic can have."""
    named: dict[str, EntryPoint] = {}
    for each in sorted(found, key=lambda each: each.name):
        if not _is_slug(each.name):
            raise _broken(each, "its name is no slug: lower-case letters and digits, with single hyphens between them")
        if each.name in named:
            other = distribution_of(named[each.name])
            raise _broken(each, f"{other} brings a type of the same name, {named[each.name].value}")
        named[each.name] = each
    return named


def load(found: EntryPoint) -> JobType[Any]:
    """The type behind an entry point. Raises BrokenJobType: it cannot be imported, or is not what a type has to be."""
    try:
        value = found.load()
        problem = _problem(found.name, value)
    except Exception as error:
        raise _broken(found, f"{type(error).__name__}: {' '.join(str(error).split())}") from error
    if problem:
        raise _broken(found, problem)
    loaded: JobType[Any] = value
    return loaded


def distribution_of(found: EntryPoint) -> str:
    """The name of the package that brings it."""
    return found.dist.name if found.dist else "an unknown package"


def _slugs(group: str) -> list[str]:
    return [slug for slug, found in _entry_points().items() if found.group == group]


@cache
def _entry_points() -> dict[str, EntryPoint]:
    found = by_slug([*entry_points(group=OFFERED_GROUP), *entry_points(group=INTERNAL_GROUP)])
    if not found:
        raise BrokenJobType("No job types are installed: install this package anew (`make setup`).")
    return found


def _is_slug(name: str) -> bool:
    try:
        return bool(msgspec.convert(name, Slug))
    except msgspec.ValidationError:
        return False


def _problem(slug: str, value: Any) -> str:
    """What is wrong with a type; empty where nothing is."""
    if isinstance(value, type):
        return "it is a class; the entry point has to name a value"
    if missing := [name for name in _MEMBERS if not hasattr(value, name)]:
        return f"it lacks {', '.join(missing)}"
    if value.slug != slug:
        return f"its slug is {value.slug!r}, the entry point's name is another"
    if not (isinstance(value.params_type, type) and issubclass(value.params_type, msgspec.Struct)):
        return "its params_type is no msgspec.Struct"
    if (value.upload is None) == ("upload" in value.params_type.__struct_fields__):
        return "it needs both or neither: an upload rule, and a parameter `upload`"
    if value.capacity.workers not in WORKERS:
        return f"there are no workers of the kind {value.capacity.workers!r}; known are {', '.join(WORKERS)}"
    if secrets := secret_fields(value.params_type):
        return (
            f"its parameters look like secrets: {', '.join(secrets)}. Parameters are kept for ever, where many can "
            "read them: let it take the id of a secret that is kept elsewhere, as in token_id"
        )
    if problem := problem_of_token_id(value.params_type):
        return problem
    if not isinstance(value.form, Form):
        return "its form is no Form"
    if unknown := unknown_fields(value.form, value.params_type):
        return f"its form speaks of what is no parameter: {', '.join(unknown)}"
    return "" if value.upload is None else _problem_of_upload(value.upload)


def _problem_of_upload(rule: UploadRule) -> str:
    if unread := [ending for ending in rule.media_types if ending != ending.lower()]:
        return f"the endings of its upload rule have to be in lower case: {', '.join(unread)}"
    if rule.inspect is None or _found(rule.inspect) is rule.inspect:
        return ""
    return f"its upload rule's inspect, {named(rule.inspect)}, is no function of a module that another process can find"


def _found(function: Callable[..., Any]) -> Any:
    try:
        return EntryPoint("function", named(function), "").load()
    except (ImportError, AttributeError, ValueError):
        return None


_MEMBERS = sorted({*JobType.__annotations__, *(name for name in vars(JobType) if not name.startswith("_"))})


def _broken(found: EntryPoint, why: str) -> BrokenJobType:
    return BrokenJobType(
        f"The job type {found.name!r} of {distribution_of(found)} ({found.value}) cannot be used: {why}."
    )
