"""Jobs for the page to show: told to Kafka as facts, the way jobs that run elsewhere report, or started by HTTP."""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from playwright.async_api import APIRequestContext

from jobmonitor.contract.envelope import Event
from jobmonitor.contract.topics import topic_of
from jobmonitor.runtime.kafka import Producer
from support.brokers import broker_at
from support.job_events import JobEvents
from support.waiting import until


async def tell(kafka_bootstrap: str, events: Iterable[Event]) -> None:
    """Publish facts of jobs."""
    producer = Producer(broker_at(kafka_bootstrap))
    await producer.start()
    try:
        for event in events:
            await producer.send(topic_of(event.data, "user-data-export"), event)
    finally:
        await producer.stop()


def jobs_of_every_kind(owner_id: int) -> dict[str, JobEvents]:
    """Jobs of a user, by the state they are to have. Nobody works on them: they stay as they are."""
    states = ("queued", "running", "completed", "completed_with_errors", "failed", "cancelled")
    return {state: JobEvents(owner_id=owner_id, total=12_345) for state in states}


def lives(jobs: dict[str, JobEvents]) -> list[Event]:
    """The facts that bring each job into its state."""
    ends: dict[str, Callable[[JobEvents], Event]] = {
        "running": lambda job: job.progressed(7_777),
        "completed": lambda job: job.completed(),
        "completed_with_errors": lambda job: job.completed(rejected=12),
        "failed": lambda job: job.failed(),
        "cancelled": lambda job: job.cancelled(7_777),
    }
    events = [job.queued() for job in jobs.values()]
    for state, end in ends.items():
        events += [jobs[state].started(), end(jobs[state])]
    return events


async def number_of(api: APIRequestContext, base_url: str, job_id: UUID) -> int:
    """The Job#, once the view has the job."""

    async def look() -> int | None:
        answer = await api.get(f"{base_url}/api/v1/jobs/{job_id}")
        found: dict[str, Any] = await answer.json() if answer.ok else {}
        return found.get("number")

    return await until(look)


async def start_export(api: APIRequestContext, base_url: str, **request: Any) -> int:
    """Start an export of everybody by HTTP; returns its Job#."""
    body = {"type": "user-data-export", "parameters": {}, **request}
    answer = await api.post(f"{base_url}/api/v1/jobs", data=body)
    assert answer.status == 202, await answer.text()
    job_id = UUID((await answer.json())["id"])
    return await number_of(api, base_url, job_id)


async def start_small_export(api: APIRequestContext, base_url: str, **request: Any) -> int:
    """Start an export that finds nobody, and so is done at once; returns its Job#."""
    nobody = {"questions": [{"question": 1, "value": "an answer nobody gave"}]}
    return await start_export(api, base_url, parameters={"file_type": "csv", "query": nobody}, **request)


async def wait_for_state(api: APIRequestContext, base_url: str, job: int | UUID, state: str) -> dict[str, Any]:
    """The job of this Job# or id, once it is in the state."""

    async def look() -> dict[str, Any] | None:
        answer = await api.get(f"{base_url}/api/v1/jobs/{job}")
        found: dict[str, Any] = await answer.json() if answer.ok else {}
        return found if found.get("state") == state else None

    return await until(look)
