"""Watching one job to its end."""

import sys
from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from jobmonitor.cli.client import Client
from jobmonitor.cli.errors import FAILED
from jobmonitor.cli.follow import follow
from jobmonitor.cli.options import Injected, JobName, Json, Url
from jobmonitor.cli.output import (
    ENDED_WELL,
    Item,
    console,
    job_name,
    job_title,
    print_json,
    print_line,
    progress,
    summary,
)

GIVE_UP_S = 60.0
"""So long without the gateway ends the watching; the job goes on."""


def watch(
    job: JobName,
    /,
    *,
    give_up_s: Annotated[float, Parameter(help="Seconds without the gateway after which to give up.")] = GIVE_UP_S,
    json: Json = False,
    url: Url = None,
    context: Injected,
) -> int:
    """Follow a job to its end, with its bar in a terminal. Exit status 0: completed; 1: failed or cancelled."""
    with Client.of(context, url) as client:
        return watch_to_the_end(client, job, give_up_s=give_up_s, json=json)


def watch_to_the_end(client: Client, job: str, *, give_up_s: float = GIVE_UP_S, json: bool) -> int:
    """The exit status of ``watch``. With ``json`` the job is printed once, at its end."""
    items = follow(client, job, give_up_s=give_up_s, say=lambda text: print(text, file=sys.stderr))
    if json:
        *_, last = items
        print_json(last)
    else:
        last = _with_a_bar(items) if console.is_terminal else _line_by_line(items)
        print_line(f"Job {job_name(last)} {summary(last)}.{_next_step(last)}")
    return 0 if last["state"] in ENDED_WELL else FAILED


def _line_by_line(items: Iterator[Item]) -> Item:
    last: Item = {}
    for last in items:
        print_line(f"{job_name(last)} {summary(last)}")
        sys.stdout.flush()
    return last


def _with_a_bar(items: Iterator[Item], target: Console = console) -> Item:
    last: Item = {}
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[progress]}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=target, transient=True) as bar:
        task: TaskID | None = None
        for last in items:
            if task is None:
                task = bar.add_task(f"{job_name(last)} {job_title(last)}", total=100, progress="")
            bar.update(task, completed=last["progress"]["percent"], progress=_beside_the_bar(last))
    return last


def _beside_the_bar(item: Item) -> str:
    return progress(item) if item["state"] == "running" else summary(item)


def _next_step(item: Item) -> str:
    ready = item["result"] is not None and not item["result"]["expired"]
    return f" Get its file: jobmonitor download {job_name(item)}" if ready else ""
