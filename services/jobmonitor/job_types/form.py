"""How the page lays out a job type's form: in ``form.json`` in the type's folder. It says nothing about what is valid;
that is for the schema of the parameters.
"""

from importlib.resources import files
from typing import Any, Literal

import msgspec

Widget = Literal["choice", "switch", "number", "date", "money", "text", "select", "picker", "file", "columns", "rules"]


class Choice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of a few values, each explained."""

    value: Any
    label: str
    help: str = ""


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """When a field is shown: while another parameter has one of these values."""

    name: str
    values: list[Any]


class Field(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One control."""

    name: str
    """The parameter, for instance ``query.profiles``."""
    label: str
    widget: Widget | None = None
    """None: as the parameter's schema suggests."""
    help: str = ""
    placeholder: str = ""
    choices: list[Choice] = []
    options: str = ""
    """The list of the type's options to choose from."""
    none: str = ""
    """What it means that nothing is chosen."""
    shown: Shown | None = None
    fields: list["Field"] = []
    """Of each rule in a list of rules; of each choice that is made, where there is more to say about it."""


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Fields that belong together, under a heading."""

    title: str
    help: str = ""
    fields: list[Field] = []


class Form(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The whole form. Reference name and start are asked for every type and need no mention."""

    icon: str = "job"
    """One of the page's icons."""
    start: str = "Start"
    """What the button says."""
    groups: list[Group] = []
    counted: str = "will be worked on."
    """What follows the number of units in the preview: ``5,000 supporters`` ``will be exported.``"""
    nothing: str = ""
    """What the preview says where there are none."""
    note: str = ""
    """What people should know before they start it."""
    outcomes: dict[str, str] = {}
    """Words for outcomes, where their own name does not do."""


def read_form(package: str) -> Form:
    """The form that lies in a job type's package. Raises FileNotFoundError, and ValidationError: it has a mistake."""
    return msgspec.json.decode((files(package) / "form.json").read_bytes(), type=Form)
