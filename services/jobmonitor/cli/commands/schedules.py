"""Schedules: jobs that start by themselves. All through the gateway, which judges who may do what, as for jobs."""

from typing import Annotated, Any
from urllib.parse import quote
from uuid import uuid4

from cyclopts import Parameter

from jobmonitor.cli.ask import confirmed
from jobmonitor.cli.client import Client, body_of, refusal
from jobmonitor.cli.commands.submit import checked_parameters
from jobmonitor.cli.errors import USAGE, CommandError
from jobmonitor.cli.options import Injected, Json, Url
from jobmonitor.cli.output import Item, at, job_name, print_json, print_line, print_table, summary
from jobmonitor.gateway.schedules.models import WEEKDAYS

SCHEDULES = "/api/v1/schedules"
Name = Annotated[str, Parameter(help="The schedule's name, or its id.")]


def list_schedules(*, json: Json = False, url: Url = None, context: Injected) -> None:
    """List the schedules you see: when each starts next, in its own zone, and how its last job stands."""
    with Client.of(context, url) as client:
        page = client.get(SCHEDULES)
    if json:
        print_json(page)
    elif not page["items"]:
        print_line("No schedules.")
    else:
        columns = ("Schedule", "Type", "When", "Next", "Last job", "Owner", "Problem")
        print_table(columns, map(_row, page["items"]))


def add(
    name: Annotated[str, Parameter(help="A name of your own.")],
    job_type: Annotated[str, Parameter(help="The type's slug; `jobmonitor types` lists them.")],
    /,
    *,
    time: Annotated[str, Parameter(help="Local time, as in 03:00.")],
    zone: Annotated[str | None, Parameter(help="Time zone, as in America/New_York. Default: your account's.")] = None,
    weekday: Annotated[
        list[str] | None, Parameter(negative="", help=f"Only on this day; {', '.join(WEEKDAYS)}. May be repeated.")
    ] = None,
    month_day: Annotated[
        int | None, Parameter(help="Only on this day of the month; its last one where it has no such day.")
    ] = None,
    param: Annotated[
        list[str] | None, Parameter(negative="", help="name=value; JSON where it is JSON. Once for each parameter.")
    ] = None,
    date_param: Annotated[str | None, Parameter(help="The parameter that is given the local date.")] = None,
    reference: Annotated[str | None, Parameter(help="A name for the jobs, shown behind the type's.")] = None,
    each: Annotated[
        bool, Parameter(negative="", help="Make up for each date that was missed, not only for the latest.")
    ] = False,
    system: Annotated[
        bool, Parameter(negative="", help="The jobs are the system user's, not yours. For Super Admins.")
    ] = False,
    json: Json = False,
    url: Url = None,
    context: Injected,
) -> None:
    """Let jobs of a type start by themselves: daily, on weekdays, or on a day of the month."""
    given = [*(param or []), *([f"{date_param}=2000-01-01"] if date_param else [])]
    parameters = checked_parameters(job_type, given)
    wanted: dict[str, Any] = {
        "name": name,
        "type": job_type,
        "parameters": {key: value for key, value in parameters.items() if key != date_param},
        "time": time,
        "time_zone": zone,
        "weekdays": weekday,
        "month_day": month_day,
        "date_parameter": date_param,
        "reference": reference,
        "missed": "each" if each else "latest",
        "owner": "system" if system else "me",
    }
    with Client.of(context, url) as client:
        added = client.post(SCHEDULES, {key: value for key, value in wanted.items() if value is not None})
    if json:
        print_json(added)
    else:
        print_line(f"Schedule {added['name']} starts {added['type']} {_when(added)}, next {_next(added)}.")


def pause(name: Name, /, *, url: Url = None, context: Injected) -> None:
    """Let nothing of a schedule start until it is resumed. Dates that go by meanwhile are not made up for."""
    with Client.of(context, url) as client:
        paused = client.post(f"{_path(client, name)}/pause")
    print_line(f"Schedule {paused['name']} is paused.")


def resume(name: Name, /, *, url: Url = None, context: Injected) -> None:
    """Let a paused schedule go on with its next date."""
    with Client.of(context, url) as client:
        resumed = client.post(f"{_path(client, name)}/resume")
    print_line(f"Schedule {resumed['name']} goes on, next {_next(resumed)}.")


def run_now(
    name: Name,
    /,
    *,
    key: Annotated[str | None, Parameter(help="Idempotency key: the same key is the same job.")] = None,
    json: Json = False,
    url: Url = None,
    context: Injected,
) -> None:
    """Start a job of a schedule at once, paused or not, and print its id. The next date stays as it is."""
    with Client.of(context, url) as client:
        headers = {"idempotency-key": key or str(uuid4())}
        response = client.request("POST", f"{_path(client, name)}/run", headers=headers)
        if response.is_error:
            raise refusal(response)
        started = body_of(response)
    if json:
        print_json(started)
    else:
        print_line(str(started["id"]))


def remove(
    name: Name,
    /,
    *,
    yes: Annotated[bool, Parameter(negative="", help="Do not ask.")] = False,
    url: Url = None,
    context: Injected,
) -> None:
    """Let nothing more of a schedule start. The jobs it started stay."""
    with Client.of(context, url) as client:
        path = _path(client, name)
        if not yes and not confirmed(f"Remove schedule {name}?"):
            raise CommandError("Not removed.")
        response = client.request("DELETE", path)
        if response.is_error:
            raise refusal(response)
    print_line(f"Schedule {name} is removed.")


def _path(client: Client, name: str) -> str:
    """The address of the schedule with this name or id. Raises CommandError: there is none, or there are several."""
    found = [item for item in client.get(SCHEDULES)["items"] if name in (item["name"], item["id"])]
    if not found:
        raise CommandError(f"There is no schedule {name!r}. `jobmonitor schedules list` lists those you see.", USAGE)
    if len(found) > 1:
        ids = ", ".join(f"{item['id']} of {item['owner']['name']}" for item in found)
        raise CommandError(f"There are several schedules {name!r}; name one by its id: {ids}.", USAGE)
    return f"{SCHEDULES}/{quote(found[0]['id'], safe='')}"


def _row(item: Item) -> tuple[str, ...]:
    return (
        item["name"],
        item["type"],
        _when(item),
        "paused" if item["paused"] else _next(item),
        _last(item),
        item["owner"]["name"],
        item["problem"] or "",
    )


def _when(item: Item) -> str:
    """``daily at 03:00 America/New_York``."""
    days = "daily"
    if item["weekdays"] is not None:
        days = ", ".join(item["weekdays"])
    elif item["month_day"] is not None:
        days = f"monthly on day {item['month_day']}"
    return f"{days} at {item['time']} {item['time_zone']}"


def _next(item: Item) -> str:
    return at(item["next_at"], item["time_zone"])


def _last(item: Item) -> str:
    job = item["last_job"]
    return "" if job is None else f"{job_name(job)} {summary(job)}"
