"""The layout of each job type's form speaks of parameters and options that there are."""

from collections.abc import Iterator
from typing import Any, get_type_hints

import msgspec
import pytest

from jobmonitor.job_types.form import Field, Form
from jobmonitor.job_types.protocol import JobType
from jobmonitor.job_types.registry import offered

forms = pytest.mark.parametrize("job_type", offered(), ids=lambda job_type: job_type.slug)


def _parameters(job_type: JobType[Any]) -> dict[str, Any]:
    """The schema of each parameter by its path, ``query.broadcasts[].event`` among them."""
    schema = msgspec.json.schema(job_type.params_type)
    return dict(_properties(schema, schema["$defs"], ""))


def _properties(schema: Any, known: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Of an object; of what may be one of several, of each."""
    while "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    for each in schema.get("anyOf", ()):
        yield from _properties(each, known, path)
    if "items" in schema:
        yield from _properties(schema["items"], known, f"{path}[]")
    for name, inner in schema.get("properties", {}).items():
        whole = f"{path}.{name}".removeprefix(".")
        yield whole, inner
        yield from _properties(inner, known, whole)


def _options(job_type: JobType[Any]) -> set[str]:
    returned = get_type_hints(type(job_type).options)["return"]
    return {field.name for field in msgspec.structs.fields(returned)} if isinstance(returned, type) else set()


def _named(field: Field) -> Iterator[str]:
    """The parameters a field speaks of beside its own."""
    if field.needed is not None and field.widget != "columns":
        yield from field.needed.any_of
    if field.saved:
        yield field.saved
    yield from field.sets


def test_what_a_form_leaves_out_is_sent_in_the_words_for_any_job() -> None:
    sent = msgspec.to_builtins(Form())
    assert set(sent) == set(Form.__struct_fields__)
    assert (sent["start"], sent["counted"]) == ("Start job", "will be processed.")


@forms
def test_every_field_of_a_form_is_a_parameter(job_type: JobType[Any]) -> None:
    assert {path for path, _ in job_type.form.fields()} <= _parameters(job_type).keys()


@forms
def test_what_a_form_refers_to_is_there(job_type: JobType[Any]) -> None:
    fields, parameters = list(job_type.form.fields()), _parameters(job_type)
    assert {name for _, field in fields for name in _named(field)} <= parameters.keys()
    outer = [field for path, field in fields if "[]" not in path]
    assert {field.shown.name for field in outer if field.shown is not None} <= parameters.keys()
    assert {field.options for _, field in fields if field.options} <= _options(job_type)


@forms
def test_choices_are_values_of_the_parameter(job_type: JobType[Any]) -> None:
    parameters = _parameters(job_type)
    for path, field in job_type.form.fields():
        enums = [each["enum"] for each in (parameters[path], *parameters[path].get("anyOf", ())) if "enum" in each]
        values = [choice.value for choice in field.choices]
        assert not enums or set(values) <= set(enums[0]), path
