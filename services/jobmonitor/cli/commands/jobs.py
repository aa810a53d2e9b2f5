"""Reading and stopping jobs."""

from typing import Annotated, Any, Literal
from urllib.parse import quote

from cyclopts import Parameter

from jobmonitor.cli.ask import confirmed
from jobmonitor.cli.client import Client
from jobmonitor.cli.errors import USAGE, CommandError
from jobmonitor.cli.options import Injected, JobName, Json, Url
from jobmonitor.cli.output import Item, at, job_name, job_title, print_json, print_line, print_table, progress, summary

PAGE = 200
"""Jobs asked for at a time."""


def jobs(
    *,
    history: Annotated[bool, Parameter(negative="", help="Jobs that left the monitor.")] = False,
    state: Annotated[Literal["all", "running", "scheduled", "ready"], Parameter(help="Only these.")] = "all",
    search: Annotated[str | None, Parameter(help="Text in the number, name or reference.")] = None,
    limit: Annotated[int, Parameter(help="How many at most, newest first.")] = 50,
    json: Json = False,
    url: Url = None,
    context: Injected,
) -> None:
    """List the jobs in the monitor, or in the history."""
    if limit < 1:
        raise CommandError("--limit must be 1 or more.", USAGE)
    query: dict[str, str | int] = {"view": "history" if history else "monitor", "state": state}
    if search:
        query["q"] = search
    with Client.of(context, url) as client:
        page = _pages(client, query, limit)
        if json:
            print_json(page)
            return
        zone = client.get("/api/v1/session")["account"]["time_zone"]
    _print_jobs(page["items"], zone)
    if page["next"]:
        print_line(f"There are more; --limit {limit * 2} shows them.")


def show(job: JobName, /, *, json: Json = False, url: Url = None, context: Injected) -> None:
    """Show everything about one job."""
    with Client.of(context, url) as client:
        item = client.get(job_path(job))
        if json:
            print_json(item)
            return
        zone = client.get("/api/v1/session")["account"]["time_zone"]
    for label, value in _details(item, zone):
        if value:
            print_line(f"{label:<12} {value}")
    for child in item.get("children", []):
        print_line(f"{'Child':<12} {_related_line(child)}")
    if item.get("more_children"):
        print_line(f"{'':<12} and more")
    for step in item.get("timeline", []):
        said = step.get("reason") or step.get("waits_for")
        why = f": {said}" if said else ""
        print_line(f"{'':<12} {at(step['at'], zone)}  {step['type']}{why}")


def stop(
    job: JobName,
    /,
    *,
    yes: Annotated[bool, Parameter(negative="", help="Do not ask.")] = False,
    url: Url = None,
    context: Injected,
) -> None:
    """Ask a job to stop. What it has done until then stays done."""
    with Client.of(context, url) as client:
        item = client.get(job_path(job))
        if not yes and not confirmed(f"Stop job {job_name(item)}, {job_title(item)}, at {progress(item)}?"):
            raise CommandError("Not stopped.")
        client.post(f"{job_path(job)}/stop")
    print_line(f"Job {job_name(item)} was asked to stop.")


def job_path(job: str) -> str:
    """The job's address below the gateway's."""
    return f"/api/v1/jobs/{quote(job.removeprefix('#'), safe='')}"


def _pages(client: Client, query: dict[str, str | int], limit: int) -> dict[str, Any]:
    page = client.get("/api/v1/jobs", {**query, "limit": min(limit, PAGE)})
    while page["next"] and len(page["items"]) < limit:
        wanted = min(limit - len(page["items"]), PAGE)
        more = client.get("/api/v1/jobs", {**query, "limit": wanted, "after": page["next"]})
        page = {**page, "items": page["items"] + more["items"], "next": more["next"]}
    return page


def _print_jobs(items: list[Item], zone: str) -> None:
    if not items:
        print_line("No jobs.")
        return
    columns = ("Job#", "Job Name", "Started", "Completed", "Results", "User")
    print_table(columns, [_row(item, zone) for item in items])


def _row(item: Item, zone: str) -> tuple[str, ...]:
    result = item["result"]
    return (
        job_name(item),
        job_title(item),
        at(item["started_at"] or item["scheduled_for"], zone),
        at(item["completed_at"], zone) or summary(item),
        "" if result is None else "expired" if result["expired"] else result["name"],
        item["owner"]["name"],
    )


def _details(item: Item, zone: str) -> list[tuple[str, str]]:
    result = item["result"]
    return [
        ("Job#", str(item["number"] or "")),
        ("Id", item["id"]),
        ("Job Name", job_title(item)),
        ("User", item["owner"]["name"]),
        ("State", summary(item)),
        ("Submitted", at(item["submitted_at"], zone)),
        ("Scheduled", at(item["scheduled_for"], zone)),
        ("Started", at(item["started_at"], zone)),
        ("Completed", at(item["completed_at"], zone)),
        ("Result", _result_line(result, zone) if result else ""),
        ("Listed in", item["view"]),
        ("Parent", _related_line(item["parent"]) if item["parent"] else ""),
    ]


def _related_line(job: Item) -> str:
    return f"{job_name(job)}, {job_title(job)}, {job['state'].replace('_', ' ')}"


def _result_line(result: dict[str, Any], zone: str) -> str:
    if result["expired"]:
        return f"{result['name']}, expired {at(result['expires_at'], zone)}"
    until = f", until {at(result['expires_at'], zone)}" if result["expires_at"] else ""
    size = f", {result['size_bytes']:,} bytes" if result["size_bytes"] is not None else ""
    return f"{result['name']}{size}{until}"
