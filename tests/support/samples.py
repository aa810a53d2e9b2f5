"""Samples of a job type: ``samples.json`` in its folder. Every test that is for all types runs on them, chaos too."""

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from jobmonitor.job_types.protocol import JobType, RefusalKind

_OPTION = re.compile(r"\$(\w+)")


class SampleFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file that a sample uploads first."""

    name: str
    head: str
    """How it begins; may be all of it."""
    row: str = ""
    """What follows ``rows`` times, with ``{key}`` of the file and ``{number}`` of the row in it."""
    rows: int = 0

    def content(self, key: str, rows: int | None = None) -> bytes:
        """The file; another ``key`` gives other rows."""
        numbers = range(self.rows if rows is None else rows)
        return (self.head + "".join(self.row.format(key=key, number=number) for number in numbers)).encode()


class Sample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job that can be asked for where there is the demo's data."""

    name: str
    parameters: dict[str, Any] = {}
    """All but ``upload``. ``"$pages"`` stands for the id of the first of the ``pages`` that the type's options list."""
    file: SampleFile | None = None
    empty: bool = False
    """Whether there is nothing to do."""
    single: bool = False
    """Whether there is one unit, at least where the account has one supporter."""
    refused: str = ""
    """The code with which it is refused before it starts; empty: it runs to its end."""
    refused_as: RefusalKind = "invalid"
    """The kind of that refusal."""
    children: int = 0
    """How many jobs it submits."""
    varies: list[str] = []
    """Columns of the result that say something else each time, for instance new ids."""
    in_chaos: bool = False
    """Whether the chaos run asks for it, with other files of as many as some thousand rows."""


def samples_of(job_type: JobType[Any]) -> list[Sample]:
    """None where the type brings none. Raises msgspec.ValidationError: there is a mistake in them."""
    path = Path(inspect.getfile(type(job_type))).with_name("samples.json")
    return msgspec.json.decode(path.read_bytes(), type=list[Sample]) if path.is_file() else []


def filled(parameters: Any, options: Mapping[str, Any]) -> Any:
    """The parameters with ids for what they take from the options."""
    match parameters:
        case dict():
            return {name: filled(value, options) for name, value in parameters.items()}
        case list():
            return [filled(value, options) for value in parameters]
        case str() if found := _OPTION.fullmatch(parameters):
            return options[found[1]][0]["id"]
    return parameters
