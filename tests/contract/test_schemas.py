"""``schemas/`` is the truth for other languages: it says what the types say, and what it once showed stays true."""

import json
import re
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from hypothesis import given

from jobmonitor.cli.schema_files import differences, generated_files, pinned_examples, sha256_of
from jobmonitor.cli.tool import run
from jobmonitor.contract.documents import event_schema, file_name
from jobmonitor.contract.envelope import Event, decode, encode, type_name
from jobmonitor.contract.events import EVENT_TYPES, JobSubmitted
from jobmonitor.contract.job_ids import job_id_for
from jobmonitor.contract.topics import catalogue, jobs_topic, requests_topic, work_topic
from jobmonitor.job_types.registry import built_in, slugs
from support.event_strategies import events
from support.schema_checks import problems

TOPICS = catalogue(slugs(with_probe=False))
SCHEMAS = Path(__file__).parents[2] / "schemas"
EXAMPLES = sorted((SCHEMAS / "examples").glob("*.json"))
VALIDATORS = {name: jsonschema_rs.validator_for(event_schema(name), validate_formats=True) for name in EVENT_TYPES}


def _names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_the_folder_says_what_the_types_say() -> None:
    assert differences(SCHEMAS) == []


def test_a_stale_a_missing_and_a_left_over_schema_are_each_told_and_mended(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "schemas"
    shutil.copytree(SCHEMAS, folder)
    (folder / "topics.yaml").write_text("topics: []\n")
    (folder / "events/job_queued.v1.json").unlink()
    (folder / "events/job_dreamt.v1.json").write_text("{}")
    assert run(["schemas", "--check", "--output", str(folder)], {}) == 1
    told = capsys.readouterr().err
    assert all(name in told for name in ("topics.yaml", "events/job_queued.v1.json", "events/job_dreamt.v1.json"))
    assert run(["schemas", "--output", str(folder)], {}) == 0
    assert differences(folder) == []
    assert not (folder / "events/job_dreamt.v1.json").exists()


@pytest.mark.parametrize("path", [path for path in generated_files() if path.endswith(".json")])
def test_each_schema_is_a_valid_schema(path: str) -> None:
    schema = json.loads((SCHEMAS / path).read_text())
    jsonschema_rs.meta.validate(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_generated_code_gets_plain_names() -> None:
    """Generators make class names of ids and titles, and invent one where there is neither."""
    names = []
    for path in generated_files():
        if path.endswith(".json"):
            schema = json.loads((SCHEMAS / path).read_text())
            names.append(schema["$id"])
            assert re.fullmatch(r"[A-Za-z-]+\.json", schema["$id"]), path
            assert all(part.get("title") for part in (schema, *schema.get("$defs", {}).values())), path
            if path.startswith("events/"):
                assert re.fullmatch(r"[A-Z][A-Za-z]+Message", schema["title"])
                required = {"specversion", "id", "source", "type", "subject", "time", "data"}
                assert set(schema["required"]) == required
    assert len(set(names)) == len(names)
    messages = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text())["components"]["messages"]
    assert all(message["headers"]["title"] for message in messages.values())


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_each_schema_explains_every_field(name: str) -> None:
    schema = event_schema(name)
    parts = [schema, *schema["$defs"].values()]
    silent = [
        f"{part['title']}.{field}"
        for part in parts
        for field, value in part["properties"].items()
        if not value.get("description") and "$ref" not in value
    ]
    assert silent == []
    assert all(part["description"] for part in parts)


@given(events())
def test_every_event_we_can_write_is_valid_by_its_schema(event: Event) -> None:
    message = json.loads(encode(event))
    # RFC 3339 knows fewer years and offsets than a URI or a calendar has: formats are the golden messages' matter
    plain = jsonschema_rs.validator_for(event_schema(type_name(event.data)), validate_formats=False)
    assert [error.message for error in plain.iter_errors(message)] == []


def test_every_event_has_a_golden_message() -> None:
    shown = {path.name.split(".")[0] + "." + path.name.split(".")[1] for path in EXAMPLES}
    assert shown == {file_name(name) for name in EVENT_TYPES}


@pytest.mark.parametrize("path", EXAMPLES, ids=_names(EXAMPLES))
def test_golden_messages_are_never_changed(path: Path) -> None:
    assert pinned_examples(SCHEMAS)[path.name] == sha256_of(path)


def test_golden_messages_are_never_removed() -> None:
    assert set(pinned_examples(SCHEMAS)) == {path.name for path in EXAMPLES}


def test_writing_the_schemas_pins_a_new_golden_message_and_never_mends_a_changed_one(tmp_path: Path) -> None:
    folder = tmp_path / "schemas"
    shutil.copytree(SCHEMAS, folder)
    before = (folder / "examples/SHA256SUMS").read_text()
    (folder / "examples/job_queued.v1.json").write_text("{}")
    shutil.copy(folder / "examples/job_failed.v1.json", folder / "examples/job_failed.v1.again.json")
    assert run(["schemas", "--check", "--output", str(folder)], {}) == 1
    assert run(["schemas", "--output", str(folder)], {}) == 0
    after = (folder / "examples/SHA256SUMS").read_text()
    assert after.startswith(before)
    assert after.removeprefix(before).split() == [
        sha256_of(folder / "examples/job_failed.v1.json"),
        "job_failed.v1.again.json",
    ]


@pytest.mark.parametrize("path", EXAMPLES, ids=_names(EXAMPLES))
def test_golden_messages_are_valid_by_their_schema(path: Path) -> None:
    message = json.loads(path.read_text())
    assert [error.message for error in VALIDATORS[message["type"]].iter_errors(message)] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=_names(EXAMPLES))
def test_golden_messages_decode_for_ever_and_nothing_of_them_is_lost(path: Path) -> None:
    event = decode(path.read_bytes())
    written = json.loads(encode(event))
    assert decode(encode(event)) == event
    original = json.loads(path.read_text())
    for unknown in ("traceparent",):
        original.pop(unknown, None)
    original["data"].pop("producer_note", None)
    assert _comparable(written) == _comparable({"datacontenttype": "application/json", **original})


@pytest.mark.parametrize("path", EXAMPLES, ids=_names(EXAMPLES))
def test_submitted_parameters_in_golden_messages_fit_their_job_type(path: Path) -> None:
    data = decode(path.read_bytes()).data
    if isinstance(data, JobSubmitted):
        schema = json.loads((SCHEMAS / f"job_types/{data.job_type}.json").read_text())
        assert problems(schema, data.parameters) == []


@pytest.mark.parametrize(
    "change",
    [
        {"type": "jobmonitor.job_queued.v1"},
        {"subject": "10001"},
        {"time": "yesterday"},
        {"data": {}},
        {"specversion": "0.3"},
    ],
)
def test_the_schema_refuses_what_the_reader_refuses(change: dict[str, Any]) -> None:
    message = {**json.loads((SCHEMAS / "examples/job_started.v1.json").read_text()), **change}
    assert not VALIDATORS["jobmonitor.job_started.v1"].is_valid(message)


def test_the_job_id_of_an_idempotency_key_is_the_one_the_readme_promises() -> None:
    readme = (SCHEMAS / "README.md").read_text()
    assert str(job_id_for(1, "spring-appeal-2026")) == "265097d5-0c7a-5baf-bdb4-f73bb34e8713"
    assert "265097d5-0c7a-5baf-bdb4-f73bb34e8713" in readme
    assert "5b4f6c1e-6f2d-5b8e-9d0a-2f0c7a3f9e11" in readme


def test_every_job_type_has_its_three_topics_and_every_event_one_of_them() -> None:
    document = yaml.safe_load((SCHEMAS / "topics.yaml").read_text())
    by_name = {topic["name"]: topic for topic in document["topics"]}
    assert list(by_name) == [topic.name for topic in TOPICS]
    for job_type in slugs(with_probe=False):
        names = (requests_topic(job_type), jobs_topic(job_type), work_topic(job_type))
        travels = [event_type for name in names for event_type in by_name[name]["event_types"]]
        assert sorted(travels) == sorted(EVENT_TYPES)


def test_a_type_that_nobody_serves_stands_in_no_published_document() -> None:
    """A job sent to its topics would wait for ever."""
    files = generated_files()
    assert [path for path, text in files.items() if "probe" in f"{path} {text}"] == []
    of_types = {path for path in files if path.startswith("job_types/")}
    assert of_types == {f"job_types/{offered.slug}.json" for offered in built_in()}


def test_producers_write_requests_and_nothing_else() -> None:
    requests = {
        event_type for topic in TOPICS if topic.name.startswith("requests.") for event_type in topic.event_types
    }
    assert requests == {"jobmonitor.job_submitted.v1", "jobmonitor.job_stop_requested.v1"}


def _comparable(value: Any) -> Any:
    """The same for the same meaning: instants may be written with any offset."""
    if isinstance(value, dict):
        return {name: _comparable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_comparable(inner) for inner in value]
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).timestamp()
        except ValueError:
            return value
    return value
