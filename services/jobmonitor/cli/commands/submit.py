"""Submitting a job: straight to Kafka, as any producer does; with a file through the gateway, which keeps the file."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
import uuid_utils.compat
from aiokafka.errors import KafkaError
from cyclopts import Parameter

from jobmonitor.cli.answers import answers
from jobmonitor.cli.client import Client, body_of, refusal
from jobmonitor.cli.commands.watch import watch_to_the_end
from jobmonitor.cli.context import CommandContext
from jobmonitor.cli.errors import USAGE, CommandError, no_answer
from jobmonitor.cli.file_upload import check_file, upload
from jobmonitor.cli.follow import wait_until_seen
from jobmonitor.cli.options import Injected, Json, Kafka, Url
from jobmonitor.cli.output import print_json, print_line
from jobmonitor.contract.envelope import Event, Undecodable, decode, encode
from jobmonitor.contract.events import JobSubmitted, submission_refused
from jobmonitor.contract.job_ids import job_id_for
from jobmonitor.contract.topics import requests_topic
from jobmonitor.job_types import registry
from jobmonitor.job_types.parameters import BadParameters, read_parameters
from jobmonitor.job_types.protocol import JobType
from jobmonitor.runtime.kafka import KafkaUnavailable, MessageRefused, Producer
from jobmonitor.runtime.settings import KafkaSettings

SOURCE = "/jobmonitor/cli"
CONNECT_TIMEOUT_S = 10.0
APPEAR_S = 30.0
"""How long --wait waits for the job to be seen."""


def submit(
    job_type: Annotated[str, Parameter(help="The type's slug; `jobmonitor types` lists them.")],
    /,
    *,
    account: Annotated[int | None, Parameter(help="The account's id; with --file the login's.")] = None,
    user: Annotated[
        int | None, Parameter(help="The id of the user who is to own the job; with --file the login's.")
    ] = None,
    file: Annotated[
        Path | None, Parameter(help="A file the job is to read. It is sent to the gateway, as whoever is logged in.")
    ] = None,
    param: Annotated[
        list[str] | None, Parameter(negative="", help="name=value; JSON where it is JSON. Once for each parameter.")
    ] = None,
    reference: Annotated[str | None, Parameter(help="A name of your own, shown behind the type's.")] = None,
    run_at: Annotated[datetime | None, Parameter(help="When to start, with time zone: 2026-12-01T08:00Z.")] = None,
    parent: Annotated[UUID | None, Parameter(help="The id of the job that this one belongs to.")] = None,
    key: Annotated[str | None, Parameter(help="Idempotency key: the same key is the same job.")] = None,
    wait: Annotated[bool, Parameter(negative="", help="Watch the job to its end.")] = False,
    kafka: Kafka = None,
    url: Url = None,
    json: Json = False,
    context: Injected,
) -> int:
    """Publish a job to Kafka and print its id. With --key it can be repeated safely after any failure."""
    run_at = _with_zone(run_at)
    if file is not None:
        _refuse_owner(account, user)
        asked = {"reference": reference, "run_at": run_at, "parent_job_id": parent}
        return _submit_with_file(context, url, job_type, param or [], file, asked, key, wait=wait, json=json)
    submission = JobSubmitted(
        account_id=_id("--account", account),
        owner_id=_id("--user", user),
        job_type=job_type,
        parameters=checked_parameters(job_type, param or []),
        reference=reference,
        run_at=run_at,
        parent_job_id=parent,
    )
    job_id = job_id_for(submission.account_id, key) if key else UUID(int=uuid_utils.compat.uuid7().int)
    event = Event(id=str(uuid4()), source=SOURCE, job_id=job_id, time=datetime.now(UTC), data=submission)
    _check(event)
    if wait:
        _check_login(context, url, submission.account_id)
    asyncio.run(_publish_and_wait(context.kafka(kafka), job_type, event, wait=key is not None))
    if json and not wait:
        print_json({"id": job_id, "topic": requests_topic(job_type)})
    if not json:
        print_line(str(job_id))
    if not wait:
        return 0
    with Client.of(context, url) as client:
        wait_until_seen(client, str(job_id), APPEAR_S)
        return watch_to_the_end(client, str(job_id), json=json)


def _check_login(context: CommandContext, url: str | None, account_id: int) -> None:
    """Raises CommandError where the login is of another account: it would not see the job."""
    with Client.of(context, url) as client:
        own = client.get("/api/v1/session")["account"]["id"]
    if own != account_id:
        raise CommandError(
            f"--wait watches as whoever is logged in, and that is somebody of account {own}, who sees no jobs of "
            f"account {account_id}. Nothing was submitted: log in to that account, or leave --wait out.",
            USAGE,
        )


def _refuse_owner(account: int | None, user: int | None) -> None:
    if account is not None or user is not None:
        raise CommandError(
            "With --file the job belongs to whoever is logged in: leave --account and --user out.", USAGE
        )


def _submit_with_file(
    context: CommandContext,
    url: str | None,
    job_type: str,
    pairs: list[str],
    path: Path,
    asked: dict[str, Any],
    key: str | None,
    *,
    wait: bool,
    json: bool,
) -> int:
    """The parameters are checked before the file is sent; a job the key stands for already is not asked for again."""
    if any(pair.partition("=")[0] == "upload" for pair in pairs):
        raise CommandError("Give either --file or --param upload=…, not both.", USAGE)
    parameters = checked_parameters(job_type, [*pairs, f"upload={UUID(int=0)}"])
    if rule := _known(job_type).upload:
        check_file(path, rule)
    with Client.of(context, url) as client:
        job_id = _job_of_key(client, key) if key else None
        if job_id is None:
            parameters["upload"] = upload(client, path, job_type)["id"]
            job_id = _ask_for(client, {"type": job_type, "parameters": parameters, **asked}, key)
        if json and not wait:
            print_json({"id": job_id})
        if not json:
            print_line(job_id)
        return watch_to_the_end(client, job_id, json=json) if wait else 0


def _job_of_key(client: Client, key: str) -> str | None:
    job_id = str(job_id_for(client.get("/api/v1/session")["account"]["id"], key))
    return job_id if client.request("GET", f"/api/v1/jobs/{job_id}").is_success else None


def _ask_for(client: Client, submission: dict[str, Any], key: str | None) -> str:
    body = msgspec.json.encode({name: value for name, value in submission.items() if value is not None})
    headers = {"content-type": "application/json"} | ({"idempotency-key": key} if key else {})
    response = client.request("POST", "/api/v1/jobs", content=body, headers=headers)
    if response.is_error:
        raise refusal(response)
    return str(body_of(response)["id"])


def checked_parameters(job_type: str, pairs: list[str]) -> dict[str, Any]:
    """``name=value`` pairs as the parameters of this job type. Raises CommandError naming every field at fault."""
    params_type = _known(job_type).params_type
    parameters = dict(_pair(pair) for pair in pairs)
    if len(parameters) < len(pairs):
        raise CommandError("A parameter is given twice.", USAGE)
    try:
        read_parameters(params_type, parameters)
    except BadParameters as error:
        raise CommandError(f"These parameters do not fit {job_type}. {error}", USAGE) from error
    return parameters


def _known(slug: str) -> JobType[Any]:
    """Imports no other: one that is broken stops no job of this type."""
    known = registry.slugs(with_probe=False)
    if slug not in known:
        raise CommandError(f"There is no job type {slug!r}. Known are: {', '.join(known)}.", USAGE)
    return registry.job_type(slug)


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise CommandError(f"--param {text!r} is not of the form name=value.", USAGE)
    try:
        return name, msgspec.json.decode(value)
    except msgspec.DecodeError:
        return name, value


def _id(option: str, value: int | None) -> int:
    if value is None:
        raise CommandError(f"{option} is needed: whose job is it to be?", USAGE)
    if not 1 <= value < 2**63:
        raise CommandError(f"{option} must be 1 or more.", USAGE)
    return value


def _with_zone(run_at: datetime | None) -> datetime | None:
    if run_at is not None and run_at.tzinfo is None:
        raise CommandError("--run-at needs a time zone, for instance 2026-12-01T08:00Z.", USAGE)
    return run_at


def _check(event: Event) -> None:
    """Raises CommandError where no reader would take the event, for instance for a reference too long."""
    if isinstance(event.data, JobSubmitted) and (refusal := submission_refused(event.data)) is not None:
        raise CommandError(refusal.reason, USAGE)
    try:
        decode(encode(event))
    except Undecodable as error:
        raise CommandError(f"Nobody could read this submission: {error}.", USAGE) from error


async def _publish_and_wait(kafka: KafkaSettings, job_type: str, event: Event, *, wait: bool) -> None:
    """With a key, also wait for whether it was used before for another request. Raises CommandError."""
    if not wait:
        await _publish(kafka, requests_topic(job_type), event)
        return
    try:
        async with answers(kafka, job_type) as facts:
            await _publish(kafka, requests_topic(job_type), event)
            await facts.must_not_be_rejected(event)
    except (KafkaError, OSError, TimeoutError) as error:
        raise no_answer(kafka) from error


async def _publish(kafka: KafkaSettings, topic: str, event: Event) -> None:
    producer = Producer(kafka)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await producer.start()
        await producer.send(topic, event)
    except (KafkaError, OSError, TimeoutError) as error:
        raise no_answer(kafka) from error
    except MessageRefused as error:
        raise CommandError(
            f"Kafka does not take the job. {error} Are its topics there (`jobmonitor topics --create`)?"
        ) from error
    except KafkaUnavailable as error:
        raise CommandError(f"Kafka at {kafka.kafka_bootstrap} did not confirm the job: {error}") from error
    finally:
        await producer.stop()
