"""What people type: every mistake is told in one line on standard error, with status 2, before anything is sent."""

import json
import stat
from pathlib import Path

import pytest

from jobmonitor.cli.commands.submit import checked_parameters
from jobmonitor.cli.context import CommandContext
from jobmonitor.cli.errors import CommandError
from jobmonitor.cli.output import print_line, summary
from jobmonitor.cli.session import SessionFile
from jobmonitor.cli.tool import run

SUBMIT = ("submit", "user-data-export", "--account", "1", "--user", "3")
IMPORT = ("submit", "user-data-import", "--file")
NOWHERE = {"JOBMONITOR_DATA_DIR": "/nowhere"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["sumbit"], "Unknown command"),
        (["submit", "user-data-export"], "--account"),
        ([*SUBMIT, "--no-such"], "--no-such"),
        (["submit", "user-data-export", "--account", "one", "--user", "3"], "--account"),
        (["submit", "user-data-export", "--account", "0", "--user", "3"], "--account must be 1 or more"),
        (["submit", "teleport", "--account", "1", "--user", "3"], "Known are: user-data-export"),
        ([*SUBMIT, "--param", "format"], "name=value"),
        ([*SUBMIT, "--param", "format=user", "--param", "format=hybrid"], "twice"),
        ([*SUBMIT, "--run-at", "2026-12-01T08:00"], "time zone"),
        ([*SUBMIT, "--run-at", "soon"], "--run-at"),
        ([*SUBMIT, "--reference", "x" * 161], "reference"),
        ([*SUBMIT], "Give --kafka, set JOBMONITOR_KAFKA_BOOTSTRAP, or run `make up`"),
        (["jobs"], "Give --url, set JOBMONITOR_URL, or run `make up`"),
        (["submit", "user-data-export", "--user", "3"], "--account is needed"),
        ([*IMPORT, "no-such.csv"], "There is no file no-such.csv"),
        ([*IMPORT, "."], "is a folder"),
        ([*IMPORT, "a.csv", "--account", "1"], "leave --account and --user out"),
        ([*IMPORT, "a.csv", "--param", "upload=x"], "not both"),
        ([*IMPORT, "a.csv", "--param", "mode=odd"], "mode:"),
        (["submit", "user-data-export", "--file", "a.csv"], "upload: It is unknown"),
        (["jobs", "--url", "localhost:8000"], "no web address"),
        (["jobs", "--limit", "0"], "--limit must be 1 or more"),
        (["jobs", "--state", "sleeping"], "sleeping"),
        (["topics", "--create"], "Give --kafka"),
        (["dead-letters", "burn"], "burn"),
        (["dead-letters", "list"], "Give --kafka"),
        (["dead-letters", "list", "--limit", "0"], "--limit must be 1 or more"),
        (["dead-letters", "show", "17", "--kafka", "127.0.0.1:1"], "'17' is no position"),
        (["dead-letters", "redrive", "jobs/0", "--kafka", "127.0.0.1:1"], "'jobs/0' is no position"),
        (["dead-letters", "redrive", "jobs/0/1", "--by", " "], "--by must say who"),
        (["migrate"], "JOBMONITOR_OWNER_URL is not set"),
        (["rebuild", "--yes"], "Set JOBMONITOR_OWNER_URL, or run `make up`"),
        (["rebuild"], "--yes swaps without asking"),
        (["check"], "No broker is known here"),
        (["demo", "--supporters", "1000001"], "between 1 and 1,000,000"),
        (["health"], "Give --port or set JOBMONITOR_METRICS_PORT"),
    ],
)
def test_a_mistake_is_one_line_in_words(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments, NOWHERE) == 2
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_every_parameter_at_fault_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = ["format=poem", 'query={"profiles":["four"]}', "colour=blue"]
    assert run([*SUBMIT, *(word for pair in wrong for word in ("--param", pair))], NOWHERE) == 2
    told = capsys.readouterr().err
    assert all(name in told for name in ("format:", "query.profiles[0]:", "colour:"))


def test_a_file_that_cannot_be_taken_is_not_even_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty, large = tmp_path / "empty.csv", tmp_path / "large.csv"
    empty.touch()
    with large.open("wb") as file:
        file.truncate(20_971_521)
    assert [run([*IMPORT, str(path)], NOWHERE) for path in (empty, large)] == [1, 1]
    about_empty, about_large = capsys.readouterr().err.splitlines()
    assert "is empty" in about_empty
    assert "20,971,521 bytes, and 20,971,520 (20 MB) is the most" in about_large


def test_a_file_of_a_kind_the_type_does_not_read_is_not_even_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "people.txt"
    path.write_text("Email")
    assert run([*IMPORT, str(path)], NOWHERE) == 2
    assert "people.txt does not end in .csv or .xlsx" in capsys.readouterr().err


def test_values_are_json_where_they_are_json_and_text_where_not() -> None:
    pairs = ["format=user", "export_group_id=2", 'query={"questions":[{"question":1,"value":"a=b"}]}']
    assert checked_parameters("user-data-export", pairs) == {
        "format": "user",
        "export_group_id": 2,
        "query": {"questions": [{"question": 1, "value": "a=b"}]},
    }


def test_text_that_looks_like_a_number_is_given_in_quotes() -> None:
    with pytest.raises(CommandError, match="format: Expected str, got int"):
        checked_parameters("user-data-export", ["format=7"])
    with pytest.raises(CommandError, match="format: Invalid enum value"):
        checked_parameters("user-data-export", ['format="7"'])


def test_an_option_goes_before_the_environment_and_that_before_the_local_stack(tmp_path: Path) -> None:
    stack = {"http_url": "http://127.0.0.1:8000", "kafka_bootstrap": "127.0.0.1:1111", "demo": True}
    (tmp_path / "stack.json").write_text(json.dumps(stack))
    local = {"JOBMONITOR_DATA_DIR": str(tmp_path)}
    elsewhere = {**local, "JOBMONITOR_URL": "https://jobs.example", "JOBMONITOR_KAFKA_BOOTSTRAP": "kafka:9092"}
    assert CommandContext(local).http_url(None) == ("http://127.0.0.1:8000", True)
    assert CommandContext(elsewhere).http_url(None) == ("https://jobs.example", False)
    assert CommandContext(elsewhere).http_url("http://127.0.0.1:9/") == ("http://127.0.0.1:9", False)
    assert CommandContext(local).kafka(None).kafka_bootstrap == "127.0.0.1:1111"
    assert CommandContext(elsewhere).kafka(None).kafka_bootstrap == "kafka:9092"
    assert CommandContext(elsewhere).kafka("other:1").kafka_bootstrap == "other:1"


def test_a_damaged_description_of_the_local_stack_is_told(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text("{")
    with pytest.raises(CommandError, match=r"stack\.json cannot be read"):
        CommandContext({"JOBMONITOR_DATA_DIR": str(tmp_path)}).http_url(None)


def test_sessions_are_kept_by_address_in_a_file_for_their_owner_only(tmp_path: Path) -> None:
    sessions = SessionFile(tmp_path / "state" / "sessions.json")
    sessions.save("http://one", "secret-1")
    sessions.save("http://two", "secret-2")
    sessions.save("http://one", None)
    assert (sessions.load("http://one"), sessions.load("http://two")) == (None, "secret-2")
    assert stat.S_IMODE(sessions.path.stat().st_mode) == 0o600
    assert "secret-1" not in sessions.path.read_text()


def test_nobody_answering_is_told_with_the_address(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["jobs", "--url", "http://127.0.0.1:1"], NOWHERE) == 1
    assert run(["health", "--port", "1"], NOWHERE) == 1
    assert run([*SUBMIT, "--kafka", "127.0.0.1:1"], NOWHERE) == 1
    assert run(["dead-letters", "list", "--kafka", "127.0.0.1:1"], NOWHERE) == 1
    gateway, process, broker, letters = capsys.readouterr().err.splitlines()
    assert "http://127.0.0.1:1 does not answer" in gateway
    assert "Nothing answers on port 1" in process
    assert "Kafka at 127.0.0.1:1 does not answer" in broker
    assert "Kafka at 127.0.0.1:1 does not answer" in letters


@pytest.mark.parametrize("command", ["submit", "watch", "jobs", "show", "download", "stop", "types", "topics", "login"])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"], {}) == 0
    assert f"jobmonitor {command}" in capsys.readouterr().out


def test_how_a_job_stands_is_one_line() -> None:
    progress = {"done": 2000, "total": 5000, "percent": 40, "unit": "supporters"}
    item = {"state": "running", "failure": None, "rejected": 0, "waits_for": None, "progress": progress}
    assert summary(item) == "running, 40 %, 2,000 of 5,000 supporters"
    assert summary({**item, "state": "failed", "failure": {"code": "x", "reason": "Too much."}}) == "failed: Too much."
    ended = {**item, "state": "completed_with_errors", "rejected": 12}
    assert summary(ended) == "completed with errors, 12 refused, 40 %, 2,000 of 5,000 supporters"


def test_what_came_from_elsewhere_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_line("Spring\x1b[2J\nappeal – für alle")
    assert capsys.readouterr().out == "Spring [2J appeal – für alle\n"
