"""The two doors jobs come in by: Kafka, as a producer uses it, and the gateway, as a user does. Each tries once."""

from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import uuid4

import httpx2

from chaos.history import Outcome, Told
from jobmonitor.contract.envelope import Event
from jobmonitor.contract.events import EventData, JobStopRequested, JobSubmitted
from jobmonitor.contract.topics import topic_of
from jobmonitor.gateway.adapters.broker import Broker
from jobmonitor.runtime.kafka import KafkaUnavailable
from support.samples import Sample, filled

SOURCE = "/jobmonitor/chaos"
PASSWORD = "jobmonitor-demo"
SUPER_ADMINS = {1: (3, "super@demo.test"), 2: (5, "super@other.test")}
"""Of each account with a login: the user's id and address."""
ANSWER_TIMEOUT_S = 15.0

Answer = tuple[Outcome, str]
"""What became of an operation, and the words for it."""


class Door(Protocol):
    """One way to ask."""

    async def submit(self, told: Told) -> Answer: ...

    async def stop(self, told: Told) -> Answer: ...

    async def read(self, told: Told) -> Answer:
        """Look at the job, which was accepted here; "fail" when it is said not to exist."""
        ...


class KafkaDoor:
    """Publishes requests; accepted is what the broker confirmed."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def submit(self, told: Told) -> Answer:
        data = JobSubmitted(
            account_id=told.account_id,
            owner_id=told.owner_id,
            job_type=told.job_type,
            parameters=dict(told.parameters),
            run_at=told.run_at,
        )
        return await self._publish(told, data)

    async def stop(self, told: Told) -> Answer:
        return await self._publish(told, JobStopRequested(account_id=told.account_id, requested_by=told.owner_id))

    async def read(self, told: Told) -> Answer:
        return "info", "a producer reads nothing"

    async def _publish(self, told: Told, data: EventData) -> Answer:
        event = Event(id=str(uuid4()), source=SOURCE, job_id=told.job_id, time=datetime.now(UTC), data=data)
        try:
            await self._broker.send(topic_of(data, told.job_type), event)
        except KafkaUnavailable as error:
            return "info", str(error)
        return "ok", "confirmed"


class GatewayDoor:
    """Talks HTTP as the account's Super Admin; logs in when it is not known (any more)."""

    def __init__(self, http_url: str, account_id: int) -> None:
        self.owner_id, self._email = SUPER_ADMINS[account_id]
        self._http = httpx2.AsyncClient(base_url=f"{http_url}/api/v1", timeout=ANSWER_TIMEOUT_S, trust_env=False)

    async def close(self) -> None:
        await self._http.aclose()

    async def prepare(self, slug: str, sample: Sample, key: str, rows: int) -> dict[str, Any] | None:
        """The sample's parameters, its file with so many rows as in no other uploaded; None without an answer."""
        options = await self._send("GET", f"/job-types/{slug}/options")
        if isinstance(options, str) or options.is_error:
            return None
        parameters: dict[str, Any] = filled(sample.parameters, options.json())
        if sample.file is None:
            return parameters
        content, about = sample.file.content(key, rows), {"name": sample.file.name, "type": slug}
        file = await self._send("POST", "/uploads", params=about, content=content)
        return None if isinstance(file, str) or file.is_error else {"upload": file.json()["id"], **parameters}

    async def submit(self, told: Told) -> Answer:
        body = {"type": told.job_type, "parameters": told.parameters}
        if told.run_at is not None:
            body["run_at"] = told.run_at.isoformat()
        response = await self._send("POST", "/jobs", json=body, headers={"Idempotency-Key": told.key})
        outcome, words = _answer(response)
        if outcome == "ok" and str(told.job_id) not in words:
            return "fail", f"accepted as another job than the key stands for: {words}"
        return outcome, words

    async def stop(self, told: Told) -> Answer:
        return _answer(await self._send("POST", f"/jobs/{told.job_id}/stop"))

    async def read(self, told: Told) -> Answer:
        return _answer(await self._send("GET", f"/jobs/{told.job_id}"))

    async def _send(self, method: str, path: str, **options: object) -> httpx2.Response | str:
        """The response, or why there was none."""
        try:
            response = await self._http.request(method, path, **options)  # type: ignore[arg-type]
            if response.status_code != httpx2.codes.UNAUTHORIZED:
                return response
            answer = await self._http.post("/session", json={"email": self._email, "password": PASSWORD})
            return answer if answer.is_error else await self._http.request(method, path, **options)  # type: ignore[arg-type]
        except httpx2.TransportError as error:
            return repr(error)


def _answer(response: httpx2.Response | str) -> Answer:
    """A server in trouble may have done it all the same; so may one that did not answer."""
    if isinstance(response, str):
        return "info", response
    words = f"{response.status_code} {response.text[:300]}"
    if response.is_server_error or response.status_code == httpx2.codes.TOO_MANY_REQUESTS:
        return "info", words
    return ("fail" if response.is_error else "ok"), words
