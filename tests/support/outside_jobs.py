"""Jobs whose units are calls of a service outside: what they recorded, and what reached the service."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from jobmonitor.contract.events import JobSubmitted
from jobmonitor.contract.topics import jobs_topic
from jobmonitor.job_types.outside import UNKNOWN
from support.engine import Engine, heard, read_events
from support.outside import OutsideService
from support.waiting import until

SLUG = "outside-probe"


@dataclass(frozen=True)
class OutsideJobs:
    """Of an engine that serves them."""

    engine: Engine

    async def submit(self, **parameters: Any) -> UUID:
        """Accept and plan one."""
        job_id = uuid4()
        await self.engine.acceptor.accept([heard(job_id, submission(**parameters))])
        await self.engine.runner.run(job_id, 0)
        return job_id

    async def recorded(self, job_id: UUID) -> dict[int, str]:
        """The outcome of each unit that has one. Fails where one has two."""
        rows = await self.engine.owner.fetch("SELECT unit, outcome FROM probe.outside_units WHERE job_id = $1", job_id)
        outcomes = {row["unit"]: row["outcome"] for row in rows}
        assert len(outcomes) == len(rows), "a unit was recorded twice"
        return outcomes

    async def end_of(self, job_id: UUID) -> Any:
        """Run what is left of the job; gives its last fact."""
        await self.engine.run_to_end(job_id)
        return (await self.facts(job_id))[-1]

    async def facts(self, job_id: UUID) -> list[Any]:
        events = await read_events(self.engine.bootstrap, jobs_topic(SLUG))
        return [event.data for event in events if event.job_id == job_id]

    async def chunks(self, job_id: UUID) -> list[Any]:
        """Its pieces of work, in order."""
        return list(
            await self.engine.owner.fetch(
                "SELECT *, lease_until > now() AS waits FROM ledger.chunks "
                "WHERE job_id = $1 AND kind = 'work' ORDER BY chunk",
                job_id,
            )
        )

    async def must_hold(self, job_id: UUID, calls: Iterable[Mapping[str, Any]]) -> Counter[str]:
        """Nothing reached the service twice, and what did lies between what is recorded and that with the unknown.

        Gives the outcomes, which are those that the ledger counted.
        """
        reached = Counter(call["unit"] for call in calls if call["job_id"] == str(job_id))
        assert [unit for unit, times in reached.items() if times > 1] == [], "reached the service twice"
        recorded = await self.recorded(job_id)
        surely = {unit for unit, outcome in recorded.items() if outcome in ("done", "refused")}
        in_doubt = {unit for unit, outcome in recorded.items() if outcome == UNKNOWN}
        assert surely <= reached.keys() <= surely | in_doubt
        outcomes = Counter(recorded.values())
        assert json.loads((await self.engine.run(job_id))["outcomes"]) == dict(outcomes)
        return outcomes


def submission(**parameters: Any) -> JobSubmitted:
    """As its owner asks for it."""
    return JobSubmitted(account_id=1, owner_id=2, job_type=SLUG, parameters=parameters)


async def reached(service: OutsideService, calls: int) -> None:
    """Wait until so many calls reached the service."""

    async def enough() -> bool:
        return len(service.calls) >= calls

    await until(enough)
