"""How the page lays out a job type's form: in ``form.json`` in the type's folder. It says nothing about what is valid;
that is for the schema of the parameters. A parameter it does not mention gets the control that its schema suggests.
"""

from collections.abc import Iterator
from importlib.resources import files
from typing import Any, Literal

import msgspec

Widget = Literal["choice", "switch", "number", "date", "money", "text", "select", "picker", "file", "columns", "rules"]
"""``choice``: a few values, all in sight. ``select``: one of many. ``picker``: any number, with a search. ``columns``:
what each column of the uploaded file means. ``rules``: a list of entries with fields of their own."""


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One of a few values, each explained."""

    value: Any
    label: str
    help: str = ""


class Shown(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """When a field is shown: while something else has one of these values."""

    name: str
    """Another parameter; for a field of a choice that is made, a property of the chosen option."""
    values: list[Any] = []
    """None: any value will do, as long as there is one."""


class Needed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At least one of several has to be filled in, while the field is shown."""

    any_of: list[str]
    """Parameters; for ``columns``, what a column can go to."""
    message: str


class Field(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One control."""

    name: str
    """The parameter, for instance ``query.profiles``."""
    label: str
    widget: Widget | None = None
    """None: as the parameter's schema suggests."""
    help: str = ""
    placeholder: str = ""
    unit: str = ""
    """Of a number or an amount of money: what is counted, or the currency."""
    optional: bool = False
    """Whether the label says that it may be left out."""
    half: bool = False
    """Whether it stands beside its neighbour, where there is room for both."""
    choices: list[Choice] = []
    options: str = ""
    """The list of the type's options to choose from; each has ``id`` and ``name``. For ``columns``: groups of targets,
    each group with ``name`` and ``targets``, each target with ``to``, ``id`` (or null) and ``name``."""
    note: str = ""
    """The property of an option that is shown beside its name."""
    notes: dict[str, str] = {}
    """Words for values of that property."""
    none: str = ""
    """What it means that nothing is chosen."""
    initial: Any = None
    """What is chosen at first, where it is not the schema's default."""
    shown: Shown | None = None
    needed: Needed | None = None
    sets: list[str] = []
    """Parameters that take their value from the chosen option's property of the same name."""
    saved: str = ""
    """Of ``columns``: the parameter that names a saved mapping, an option whose ``columns`` then count instead."""
    refusal: str = ""
    """Of ``file``: what is said, after its name, of a file with another ending."""
    item: str = ""
    """Of ``rules``: what one of them is called."""
    fields: list["Field"] = []
    """Of each rule in a list of rules; of each choice that is made, where there is more to say about it."""


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Fields that belong together, under a heading."""

    title: str
    help: str = ""
    fields: list[Field] = []


class Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole form, and the words for jobs of this type. Name and start are asked for every type without mention.

    What a type leaves out is filled in with what goes for any job.
    """

    icon: str = "job"
    """One of the page's icons."""
    start: str = "Start job"
    """What the button says."""
    jobs: str = "jobs of this type"
    """What its jobs are called among themselves: ``exports``."""
    groups: list[Group] = []
    counted: str = "will be processed."
    """What follows the number of units in the preview: ``5,000 supporters`` ``will be exported.``"""
    nothing: str = "There is nothing to process."
    """What the preview says where there are none."""
    note: str = ""
    """What people should know before they start it."""
    done: str = "processed"
    """What has happened to units that are done: 62 of 100 supporters have been ``reached``."""
    outcomes: dict[str, str] = {}
    """Words for outcomes, where their own name does not do."""

    def fields(self) -> Iterator[tuple[str, Field]]:
        """All fields with their paths: those of rules and choices under ``name[]``."""
        for group in self.groups:
            yield from _with_inner("", group.fields)


def _with_inner(prefix: str, fields: list[Field]) -> Iterator[tuple[str, Field]]:
    for field in fields:
        yield prefix + field.name, field
        yield from _with_inner(f"{prefix}{field.name}[].", field.fields)


def read_form(package: str) -> Form:
    """The form that lies in a job type's package. Raises FileNotFoundError, and ValidationError: it has a mistake."""
    return msgspec.json.decode((files(package) / "form.json").read_bytes(), type=Form)
