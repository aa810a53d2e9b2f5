"""The API as it describes itself: requests made up from its description, right and wrong ones, answer as described."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path
from typing import Any

from support.gateway import SUPER, RunningGateway

NOT_ASKED = (
    "--exclude-path=/api/v1/jobs/stream",  # never ends
    "--exclude-operation-id=log_out_api_v1_session_delete",  # the others need the session
)
CHECKS_LEFT_OUT = (
    # what parameters a job type takes is said by its own schema, not by the operation's
    "positive_data_acceptance",
)


async def test_made_up_requests_are_answered_as_described(gateway: RunningGateway, tmp_path: Path) -> None:
    await gateway.put_result(b"x", number=1, owner_id=SUPER)
    client = await gateway.logged_in(SUPER)
    config = tmp_path / "schemathesis.toml"
    session = client.cookies["jobmonitor_session"]
    parameters = '"path.job" = 1\n"path.job_type" = "user-data-import"\n'
    config.write_text(f'[auth.openapi.session]\napi_key = "{session}"\n[parameters]\n{parameters}')
    command = (
        *(sys.executable, "-m", "schemathesis.cli", f"--config-file={config}", "run", f"{gateway.url}/openapi.json"),
        *("--checks=all", f"--exclude-checks={','.join(CHECKS_LEFT_OUT)}"),
        *("--phases=examples,coverage,fuzzing", "--max-examples=10", "--generation-deterministic"),
        *("--no-color", *NOT_ASKED),
    )

    process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, stdout=PIPE, stderr=STDOUT)
    said, _ = await process.communicate()

    assert process.returncode == 0, said.decode()[-10_000:]


async def test_the_description_names_what_the_api_has(gateway: RunningGateway) -> None:
    document = (await gateway.visitor().get("/openapi.json")).json()

    operations = {f"{method.upper()} {path}" for path, each in document["paths"].items() for method in each}
    assert operations >= {
        "POST /api/v1/session",
        "GET /api/v1/session",
        "DELETE /api/v1/session",
        "GET /api/v1/job-types",
        "GET /api/v1/job-types/{job_type}/options",
        "POST /api/v1/job-preview",
        "POST /api/v1/jobs",
        "GET /api/v1/jobs",
        "GET /api/v1/jobs/stream",
        "GET /api/v1/jobs/{job}",
        "POST /api/v1/jobs/{job}/stop",
        "GET /api/v1/jobs/{job}/result",
        "HEAD /api/v1/jobs/{job}/result",
        "POST /api/v1/uploads",
        "GET /api/v1/uploads/{upload}",
        "GET /api/v1/schedules",
        "POST /api/v1/schedules",
        "POST /api/v1/schedules/{schedule}/pause",
        "POST /api/v1/schedules/{schedule}/resume",
        "POST /api/v1/schedules/{schedule}/run",
        "DELETE /api/v1/schedules/{schedule}",
    }
    assert document["openapi"].startswith("3.1")
    assert _dangling(document) == set()


def _dangling(document: dict[str, Any]) -> set[str]:
    """References to schemas that are not there."""
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    found: set[str] = set()

    def look(value: Any) -> None:
        if isinstance(value, dict):
            found.update({value["$ref"]} if isinstance(value.get("$ref"), str) else ())
            for each in value.values():
                look(each)
        elif isinstance(value, list):
            for each in value:
                look(each)

    look(document)
    return found - known
