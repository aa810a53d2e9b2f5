"""The command line tool as people use it: real processes against the whole stack."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import pytest

from jobmonitor.cli.errors import FAILED, USAGE
from jobmonitor.cli.tool import READER_LEFT
from support.documents import code_in
from support.stack import RunningStack

ROOT = Path(__file__).parents[2]
OWNER = 3  # super@demo.test, as whom the tool works where nobody logged in
WATCH_TIMEOUT_S = 120
EMPTY = 'query={"questions":[{"question":1,"value":"an answer nobody gave"}]}'
"""Matches no supporter, so the export is done at once."""

Done: TypeAlias = "subprocess.CompletedProcess[str]"
Cli: TypeAlias = Callable[..., Done]


@pytest.fixture
def environment(stack: RunningStack, tmp_path: Path) -> dict[str, str]:
    """Of a shell beside the stack, nobody logged in."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "services"),
        "JOBMONITOR_DATA_DIR": str(stack.data_dir),
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }


@pytest.fixture
def cli(environment: dict[str, str], tmp_path: Path) -> Cli:
    """Runs one command in a folder of its own."""

    def run(*arguments: object, stdin: str = "") -> Done:
        return subprocess.run(
            _command(*arguments),
            cwd=tmp_path,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=WATCH_TIMEOUT_S,
        )

    return run


@pytest.fixture(scope="module")
def finished(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A completed export nobody has downloaded to the tests' own folder yet."""
    folder = tmp_path_factory.mktemp("finished")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "services"), "XDG_STATE_HOME": str(folder)}
    done = subprocess.run(
        _command("submit", "user-data-export", "--account", 1, "--user", OWNER, "--wait", "--json"),
        env={**environment, "JOBMONITOR_DATA_DIR": str(stack.data_dir)},
        capture_output=True,
        check=True,
        timeout=WATCH_TIMEOUT_S,
    )
    return json.loads(done.stdout)


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "jobmonitor.cli", *map(str, arguments)]


def _submit(cli: Cli, *more: object) -> Any:
    """Submit an export, wait for its end; the job as the gateway shows it."""
    done = cli("submit", "user-data-export", "--account", 1, "--user", OWNER, "--wait", "--json", *more)
    return json.loads(done.stdout)


def test_a_submitted_job_is_watched_to_its_end_line_by_line(cli: Cli) -> None:
    done = cli("submit", "user-data-export", "--account", 1, "--user", OWNER, "--wait", "--param", "format=user")
    assert done.returncode == 0
    job_id, *lines, last = done.stdout.splitlines()
    assert UUID(job_id).version == 7
    percents = [int(percent) for line in lines for percent in re.findall(r"(\d+) %", line)]
    assert percents == sorted(percents)
    assert re.fullmatch(
        r"Job (\d+) completed, 100 %, ([\d,]+) of \2 supporters\. Get its file: jobmonitor download \1", last
    )


def test_who_could_not_watch_the_job_is_told_so_before_it_is_submitted(cli: Cli) -> None:
    done = cli("submit", "user-data-export", "--account", 999_999, "--user", OWNER, "--wait")
    assert (done.returncode, done.stdout) == (2, "")
    assert "somebody of account 1, who sees no jobs of account 999999" in done.stderr
    assert "Nothing was submitted" in done.stderr


def test_a_job_and_the_job_it_belongs_to_are_shown_with_each_other(cli: Cli, finished: Any) -> None:
    child = _submit(cli, "--parent", finished["id"], "--reference", "The child")

    above, below = cli("show", finished["number"]).stdout, cli("show", child["number"]).stdout

    assert re.search(rf"^Child +{child['number']}, User Data Export \(The child\), completed$", above, re.MULTILINE)
    assert re.search(rf"^Parent +{finished['number']}, User Data Export, completed$", below, re.MULTILINE)


def test_the_same_key_is_the_same_job(cli: Cli) -> None:
    reference, key = f"Twice {uuid4()}", str(uuid4())
    first = _submit(cli, "--key", key, "--reference", reference)
    second = _submit(cli, "--key", key, "--reference", reference)
    assert first["number"] == second["number"]
    found = json.loads(cli("jobs", "--search", reference, "--json").stdout)
    assert [item["number"] for item in found["items"]] == [first["number"]]


def test_a_key_that_was_used_for_another_request_is_refused(cli: Cli) -> None:
    key = str(uuid4())
    _submit(cli, "--key", key)
    other = cli("submit", "user-data-export", "--account", 1, "--user", OWNER, "--key", key, "--param", "format=hybrid")
    assert (other.returncode, other.stdout) == (1, "")
    assert "used before for another request" in other.stderr


def test_a_download_is_proven_by_its_checksum_and_moves_the_job_to_the_history(cli: Cli, tmp_path: Path) -> None:
    job = _submit(cli, "--param", "file_type=csv")
    told = json.loads(cli("download", job["number"], "--json").stdout)
    content = (tmp_path / told["path"]).read_bytes()
    assert told == {
        "path": job["result"]["name"],
        "size_bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert content.count(b"\r\n") >= job["result"]["rows"] + 1
    assert json.loads(cli("show", job["number"], "--json").stdout)["view"] == "history"
    listed = json.loads(cli("jobs", "--history", "--search", job["number"], "--json").stdout)
    assert job["number"] in [item["number"] for item in listed["items"]]


def test_a_broken_download_goes_on_where_it_was(
    finished: Any, cli: Cli, environment: dict[str, str], tmp_path: Path
) -> None:
    assert cli("download", finished["number"], "--output", "whole.csv").returncode == 0
    content = (tmp_path / "whole.csv").read_bytes()
    part = tmp_path / "half.csv.part"
    part.write_bytes(content[: len(content) // 2])
    kept = part.stat().st_ino
    assert cli("download", finished["number"], "--output", "half.csv").returncode == 0
    assert (tmp_path / "half.csv").read_bytes() == content
    assert (tmp_path / "half.csv").stat().st_ino == kept
    assert not part.exists()


def test_a_damaged_part_is_found_out_thrown_away_and_fetched_anew(finished: Any, cli: Cli, tmp_path: Path) -> None:
    target, part = tmp_path / "export.csv", tmp_path / "export.csv.part"
    part.write_bytes(b"something else")
    refused = cli("download", finished["number"], "--output", target)
    assert refused.returncode == FAILED
    assert "thrown away" in refused.stderr
    assert not target.exists()
    assert not part.exists()
    assert cli("download", finished["number"], "--output", target).returncode == 0
    assert target.stat().st_size == finished["result"]["size_bytes"]


def test_watching_survives_a_restart_of_the_gateway(stack: RunningStack, cli: Cli, environment: dict[str, str]) -> None:
    processor, pipe = stack.note.pids["processor"], subprocess.PIPE
    os.kill(processor, signal.SIGSTOP)  # the job waits until the watching has lost its connection
    try:
        job_id = cli("submit", "user-data-export", "--account", 1, "--user", OWNER).stdout.strip()
        _until_seen(cli, job_id)
        watching = subprocess.Popen(_command("watch", job_id), env=environment, stdout=pipe, stderr=pipe, text=True)
        assert watching.stdout is not None
        assert watching.stderr is not None
        assert "queued" in watching.stdout.readline()
        stack.kill("gateway")
        complaints = iter(watching.stderr.readline, "")
        assert any("The connection is lost; trying again." in complaint for complaint in complaints)
    finally:
        os.kill(processor, signal.SIGCONT)
    rest, complaint = watching.communicate(timeout=WATCH_TIMEOUT_S)
    assert watching.returncode == 0, complaint
    assert "completed, 100 %" in rest.splitlines()[-1]


def test_a_failed_job_says_why_and_leaves_a_report(cli: Cli, tmp_path: Path) -> None:
    submit = ("submit", "user-data-export", "--account", 1, "--user", OWNER, "--wait")
    done = cli(*submit, "--param", 'query={"profiles":[987654321]}')
    assert done.returncode == FAILED
    last = done.stdout.splitlines()[-1]
    assert "failed: There is no profile 987654321." in last
    number = re.findall(r"Job (\d+)", last)[0]
    assert cli("watch", number).returncode == FAILED
    assert cli("download", number, "--output", tmp_path / "report.txt").returncode == 0
    report = (tmp_path / "report.txt").read_text(encoding="utf-8-sig")
    assert number in report
    assert "There is no profile 987654321." in report


def test_a_file_is_sent_and_imported_once_by_who_may(cli: Cli, tmp_path: Path) -> None:
    people, old = tmp_path / "people.csv", tmp_path / "old.csv"
    people.write_text(f"Email,First Name\nada-{uuid4()}@x.test,Ada\n")
    old.write_bytes("Email,First Name\na@x.test,René\n".encode("cp1252"))
    submit = ("submit", "user-data-import", "--file")
    key = str(uuid4())
    done = cli(*submit, people, "--key", key, "--reference", "From a file", "--wait", "--json")
    assert done.returncode == 0, done.stderr
    job = json.loads(done.stdout)
    assert (job["state"], job["outcomes"], job["reference"]) == ("completed", {"created": 1}, "From a file")
    again = json.loads(cli(*submit, people, "--key", key, "--wait", "--json").stdout)
    assert again["number"] == job["number"]

    refused = cli(*submit, old)
    assert (refused.returncode, refused.stdout) == (FAILED, "")
    assert "not in UTF-8: the byte at offset 29" in refused.stderr
    assert cli("login", "user@other.test", stdin="jobmonitor-demo\n").returncode == 0
    forbidden = cli(*submit, people)
    assert (forbidden.returncode, forbidden.stdout) == (FAILED, "")
    assert "needs the permission 'import'" in forbidden.stderr


def test_a_job_type_that_cannot_be_stopped_is_refused_in_words(cli: Cli) -> None:
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    job_id = cli("submit", "user-data-export", "--account", 1, "--user", OWNER, "--run-at", later).stdout.strip()
    _until_seen(cli, job_id)
    assert cli("stop", job_id).returncode == USAGE  # nobody can be asked
    refused = cli("stop", job_id, "--yes")
    assert refused.returncode == FAILED
    assert "cannot be stopped" in refused.stderr


def test_people_log_in_see_their_own_account_and_log_out(finished: Any, cli: Cli) -> None:
    wrong = cli("login", "user@other.test", stdin="guessed\n")
    assert wrong.returncode == FAILED
    assert "wrong" in wrong.stderr
    known = cli("login", "user@other.test", stdin="jobmonitor-demo\n")
    assert "Harbour Aid" in known.stdout
    for command in ("show", "watch", "download"):
        foreign = cli(command, finished["number"])
        assert (foreign.returncode, foreign.stdout) == (FAILED, "")
        assert "you may not see it" in foreign.stderr
        assert "Not logged in" not in foreign.stderr
    assert cli("logout").returncode == 0
    anonymous = cli("jobs", "--json")
    assert "Not logged in: using the demo's super@demo.test." in anonymous.stderr
    assert anonymous.returncode == 0


def test_lists_are_read_page_by_page_up_to_the_limit(cli: Cli) -> None:
    reference = f"Many {uuid4()}"
    for _ in range(3):
        _submit(cli, "--reference", reference, "--param", "file_type=csv", "--param", EMPTY)
    short = json.loads(cli("jobs", "--search", reference, "--limit", 2, "--json").stdout)
    assert len(short["items"]) == 2
    assert short["next"] is not None
    whole = json.loads(cli("jobs", "--search", reference, "--json").stdout)
    numbers = [item["number"] for item in whole["items"]]
    assert len(numbers) == 3
    assert numbers == sorted(numbers, reverse=True)
    table = cli("jobs", "--search", reference, "--limit", 2).stdout
    assert "--limit 4" in table
    assert f"User Data Export ({reference})" in table


def test_the_catalogue_is_shown_and_the_topics_are_there(cli: Cli) -> None:
    types = json.loads(cli("types", "--json").stdout)
    schemas = {known["type"]: known["parameters_schema"]["properties"] for known in types}
    assert "format" in schemas["user-data-export"]
    assert "upload" in schemas["user-data-import"]
    topics = json.loads(cli("topics", "--json").stdout)["topics"]
    assert {f"{use}.{slug}" for slug in schemas for use in ("jobs", "work")} <= {topic["name"] for topic in topics}
    assert "dead-letters" in {topic["name"] for topic in topics}
    assert cli("topics", "--create").stdout == "All topics are there.\n"


def test_every_process_calls_itself_healthy(stack: RunningStack, cli: Cli) -> None:
    urls = json.loads((Path(stack.data_dir) / "stack.json").read_text())["monitoring_urls"]
    assert set(urls) == {"processor", "projection", "reconciler", "gateway"}
    for url in urls.values():
        healthy = cli("health", "--port", url.rsplit(":", 1)[1])
        assert (healthy.returncode, json.loads(healthy.stdout)["ready"]) == (0, True)


def test_a_reader_that_leaves_early_gets_no_complaint(environment: dict[str, str]) -> None:
    pipe = subprocess.PIPE
    tool = subprocess.Popen(_command("types", "--json"), env=environment, stdout=pipe, stderr=pipe)
    assert tool.stdout is not None
    tool.stdout.close()
    assert tool.stderr is not None
    assert tool.stderr.read() == b""
    assert tool.wait(timeout=WATCH_TIMEOUT_S) == READER_LEFT
    tool.stderr.close()


def test_the_ten_lines_with_a_bare_kafka_client_start_a_job(stack: RunningStack, cli: Cli, tmp_path: Path) -> None:
    code = code_in("schemas/README.md")
    assert len(code) == 1
    key = str(uuid4())
    script = tmp_path / "submit.py"
    assert "spring-appeal-2026" in code[0]
    script.write_text(code[0].replace("spring-appeal-2026", key))
    alone = {"PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, script, stack.kafka_bootstrap], check=True, env=alone, timeout=60)
    again = _submit(cli, "--key", key)
    assert again["state"] == "completed"
    found = json.loads(cli("jobs", "--search", again["number"], "--json").stdout)
    assert [item["id"] for item in found["items"]] == [again["id"]]


def test_the_five_lines_with_an_http_client_start_a_job(stack: RunningStack) -> None:
    lines = code_in("README.md")[0].replace("http://127.0.0.1:8000", stack.http_url)
    assert lines.count("\n") == 5
    told = subprocess.run([sys.executable, "-c", lines], check=True, capture_output=True, text=True, timeout=60)
    assert told.stdout.strip() in ("queued", "running", "completed")


def _until_seen(cli: Cli, job: str) -> None:
    """The tool itself waits for what it submitted only with --wait."""
    for _ in range(50):
        if cli("show", job, "--json").returncode == 0:
            return
    raise AssertionError(f"{job} is not seen")
