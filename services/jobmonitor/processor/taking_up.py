"""Taking submissions up: many in one transaction. Small jobs are done in it, from start to end; the others are planned.

Where a small job does not work out in this step, the transaction is rolled back, everybody in it is taken up alone, and
the job at fault goes the way of the large ones, whose attempts are counted.
"""

import hashlib
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import msgspec
import structlog

from jobmonitor.contract.events import Asked, JobSubmitted
from jobmonitor.contract.limits import RUN_AT_AHEAD, Refusal
from jobmonitor.contract.topics import requests_topic
from jobmonitor.crm.rights import Person, Standings, load_standings, start_refused, stop_refused
from jobmonitor.database.pool import Connection, see_account
from jobmonitor.job.commands import AcceptJob, FailJob, StopJob
from jobmonitor.job.state import Job, State
from jobmonitor.job_types.parameters import BadParameters, read_parameters
from jobmonitor.job_types.protocol import JobType
from jobmonitor.ledger import Ledger
from jobmonitor.ledger.admission import Room
from jobmonitor.ledger.kept_results import Kept
from jobmonitor.ledger.ledger import TOO_LARGE, TOO_LARGE_REASON
from jobmonitor.ledger.runs import SQL, Run
from jobmonitor.ledger.transaction import LedgerTransaction, MessageTooLarge
from jobmonitor.processor.one_step import OneStep
from jobmonitor.processor.planner import Planner

log = structlog.stdlib.get_logger()

LoadStandings = Callable[[Connection, Collection[Person]], Awaitable[Standings]]
STEPS_S = 0.1
"""How long a transaction goes on beginning jobs; those left over are for the next one."""


class Submission(NamedTuple):
    """Somebody's wish for a job."""

    job_id: UUID
    request_id: str
    at: datetime
    """When it was sent, by the clock of who sent it."""
    data: JobSubmitted
    refusal: Refusal | None = None
    """Why it cannot be accepted, whoever asks; its parameters are then left out."""

    def asked(self) -> Asked:
        """What the job's first fact repeats of it."""
        data = self.data
        return Asked(
            request_id=self.request_id,
            submitted_at=self.at,
            parameters=None if self.refusal else data.parameters,
            reference=data.reference,
            run_at=data.run_at,
        )


class TakingUp:
    """Takes up the submissions of one job type."""

    def __init__(
        self,
        job_type: JobType[Any],
        ledger: Ledger,
        one_step: OneStep,
        planner: Planner,
        *,
        load_standings: LoadStandings = load_standings,
    ) -> None:
        self._job_type = job_type
        self.load_standings = load_standings
        self._ledger = ledger
        self._one_step = one_step
        self._planner = planner

    async def take_up(self, submissions: Sequence[Submission]) -> None:
        """Take these up, as far as nobody did. Raises a temporary error when the ledger is away."""
        left = list(submissions)
        while left:
            try:
                left = await self._together(left, at_once=True)
            except Exception as error:
                log.info("batch_divided", submissions=len(left), error=repr(error))
                for submission in left:
                    await self._alone(submission)
                return

    async def _alone(self, submission: Submission) -> None:
        try:
            await self._together([submission], at_once=True)
        except Exception as error:
            log.warning("not_in_one_step", job_id=str(submission.job_id), error=repr(error))
            await self._begin(submission)

    async def _begin(self, submission: Submission) -> None:
        """Let it begin, without doing any of it. One whose facts no message can hold is failed."""
        try:
            await self._together([submission], at_once=False)
        except MessageTooLarge as error:
            log.warning("job_too_large", job_id=str(submission.job_id), error=str(error))
            await self.refuse(submission, TOO_LARGE, TOO_LARGE_REASON)

    async def refuse(self, submission: Submission, code: str, reason: str) -> None:
        """End a job as it is taken up, unless somebody took it up. Its fact does not repeat the parameters."""
        async with self._ledger.transaction() as ledger:
            for unknown in await self._unknown(ledger, [submission]):
                run = ledger.take_up(_new_run(self._job_type, unknown, datetime.now(UTC)))
                asked = msgspec.structs.replace(unknown.asked(), parameters=None)
                ledger.apply(run, FailJob(code=code, reason=reason, asked=asked))

    async def _unknown(self, ledger: LedgerTransaction, submissions: Sequence[Submission]) -> list[Submission]:
        """Those that nobody took up before, each once. One that asks for something else than before is rejected."""
        by_id = {submission.job_id: submission for submission in reversed(submissions)}
        for row in await SQL["known_runs"].fetch(ledger.connection, job_ids=list(by_id)):
            del by_id[row["job_id"]]
            for again in submissions:
                if again.job_id == row["job_id"]:
                    await self._reject_other(ledger, again, row)
        return list(by_id.values())

    async def _reject_other(self, ledger: LedgerTransaction, again: Submission, known: asyncpg.Record) -> None:
        """In the name of another account it changes nothing and says nothing."""
        same = known["request_sha256"] in (None, request_digest(self._job_type, again))
        if same or known["account_id"] != again.data.account_id:
            return
        run = await ledger.lock(again.job_id)
        why = Refusal("key_reused", "This job was submitted again with other parameters; it stays as it was.")
        ledger.reject(run, "submit", again.request_id, again.at, why)

    async def _together(self, submissions: Sequence[Submission], *, at_once: bool) -> list[Submission]:
        """Take up as many as a transaction has time for, one at least; returns the others."""
        ends_at_s = time.monotonic() + STEPS_S
        async with self._ledger.transaction() as ledger:
            accounts = sorted({*map(_account, submissions)})
            await SQL["hold_off_early_stops"].execute(ledger.connection, account_ids=accounts)
            left = sorted(await self._unknown(ledger, submissions), key=_account, reverse=True)
            if not left:
                return []
            stops = await _early_stops(ledger, left)
            people = {*map(_owner, left), *(stop.person for some in stops.values() for stop in some)}
            standings = await self.load_standings(ledger.connection, people)
            kept = await self._ledger.kept_results(ledger, {*map(_account, left)})
            known = Known(standings, stops, kept)
            step = _Step(self._job_type, self._ledger, ledger, self._one_step, known, free=self._planner.free)
            while left:
                submission = left.pop()
                await step.take_up(submission, at_once=at_once)
                if submission.job_id in stops:
                    await SQL["forget_early_stops"].execute(ledger.connection, job_ids=[submission.job_id])
                if time.monotonic() > ends_at_s:
                    break
        for job_id in step.planned_here:
            self._planner.plan(job_id)
        return left


def _account(submission: Submission) -> int:
    return submission.data.account_id


def _owner(submission: Submission) -> Person:
    return Person(submission.data.account_id, submission.data.owner_id)


class EarlyStop(NamedTuple):
    """A stop that came before its job."""

    person: Person
    at: datetime


async def _early_stops(ledger: LedgerTransaction, submissions: Sequence[Submission]) -> dict[UUID, list[EarlyStop]]:
    job_ids = [submission.job_id for submission in submissions]
    found: dict[UUID, list[EarlyStop]] = {}
    for row in await SQL["early_stops"].fetch(ledger.connection, job_ids=job_ids):
        stop = EarlyStop(Person(row["account_id"], row["requested_by"]), row["requested_at"])
        found.setdefault(row["job_id"], []).append(stop)
    return found


class Known(NamedTuple):
    """What decides about the submissions of a transaction, beside what they say."""

    standings: Standings
    early_stops: Mapping[UUID, Sequence[EarlyStop]]
    kept: Mapping[int, Kept]
    """By account."""


def _new_run(job_type: JobType[Any], submission: Submission, now: datetime) -> Run:
    data = submission.data
    return Run(
        job_id=submission.job_id,
        job=Job(account_id=data.account_id, owner_id=data.owner_id, job_type=data.job_type),
        parameters=data.parameters,
        created_at=now,
        run_at=data.run_at,
        writes=job_type.writes,
        request_sha256=request_digest(job_type, submission),
    )


def request_digest(job_type: JobType[Any], submission: Submission) -> str:
    """Of all that was asked; the same for the same meaning: defaults may be written or left out."""
    data, parameters = submission.data, submission.data.parameters
    with suppress(BadParameters):
        parameters = msgspec.to_builtins(read_parameters(job_type.params_type, parameters))
    asked = (data.owner_id, data.job_type, data.reference or None, data.run_at, parameters, submission.refusal)
    return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()


class _Step:
    """One transaction's worth of taking up; the accounts come in ascending order."""

    def __init__(
        self,
        job_type: JobType[Any],
        ledger: Ledger,
        transaction: LedgerTransaction,
        one_step: OneStep,
        known: Known,
        *,
        free: int,
    ) -> None:
        self.planned_here: list[UUID] = []
        self._job_type = job_type
        self._ledger = ledger
        self._transaction = transaction
        self._one_step = one_step
        self._standings, self._early_stops, self._kept = known
        self._taken_up = 0
        self._free = free
        """Plans that this worker may take itself."""
        self._rooms: dict[int, Room] = {}
        self._account_id: int | None = None
        """The account the connection sees."""

    async def take_up(self, submission: Submission, *, at_once: bool) -> None:
        """Schedule the job, do it, let it begin, or let it wait; or fail it as its first fact, with the reason.

        Whoever published it has no other answer to read.
        """
        run = self._transaction.take_up(_new_run(self._job_type, submission, self._next_moment()))
        asked = submission.asked()
        params = self._admissible(submission)
        if isinstance(params, Refusal):
            self._transaction.apply(run, FailJob(code=params.code, reason=params.reason, asked=asked))
            return
        run = self._stopped(self._transaction.apply(run, AcceptJob(asked=asked, now=self._standings.now)))
        if run.job.state is not State.QUEUED or (at_once and await self._done(run, params)):
            return
        if (await self._room(run)).take(run.job.job_type, run.writes):
            self._admit(run)

    def _stopped(self, run: Run) -> Run:
        """The job, cancelled by a stop that came before it, if there is one that may."""
        for stop in self._early_stops.get(run.job_id, ()):
            standing = self._standings.of[stop.person]
            ours = stop.person.account_id == run.job.account_id
            if ours and self._job_type.stoppable and not stop_refused(stop.person, standing, run.job.owner_id):
                by, at = stop.person.user_id, stop.at
                run = msgspec.structs.replace(run, stop_requested_by=by, stop_requested_at=at, stop_heard_at=at)
                return self._transaction.apply(run, StopJob(requested_by=by, requested_at=at))
        return run

    def _next_moment(self) -> datetime:
        """Jobs wait in the order they were taken up; by the database's clock, as workers' clocks differ."""
        self._taken_up += 1
        return self._standings.now + timedelta(microseconds=self._taken_up)

    def _admissible(self, submission: Submission) -> Any:
        """The parameters as the type's own value, or the Refusal."""
        data, person = submission.data, _owner(submission)
        if submission.refusal is not None:
            return submission.refusal
        if data.job_type != self._job_type.slug:
            return Refusal(
                "wrong_topic", f"A {data.job_type} job belongs on the topic {requests_topic(data.job_type)}."
            )
        if refusal := start_refused(person, self._standings.of[person], self._job_type.permission):
            return refusal
        if refusal := self._kept[data.account_id].refusal():
            return refusal
        if data.run_at is not None and data.run_at > self._standings.now + RUN_AT_AHEAD:
            return Refusal("run_at_too_far", "A job can be scheduled a year ahead at most.")
        try:
            return read_parameters(self._job_type.params_type, data.parameters)
        except BadParameters as error:
            return Refusal("bad_parameters", f"The parameters cannot be used. {error}")

    async def _done(self, run: Run, params: Any) -> bool:
        """Whether the job was small, and is done."""
        if run.writes is not None and not (await self._room(run)).is_free(run.writes):
            return False
        if self._account_id != run.job.account_id:
            self._account_id = run.job.account_id
            await see_account(self._transaction.connection, run.job.account_id)
        return await self._one_step.do(self._transaction, run, params)

    async def _room(self, run: Run) -> Room:
        account_id = run.job.account_id
        if account_id not in self._rooms:
            self._rooms[account_id] = await self._ledger.find_room(self._transaction, account_id)
        return self._rooms[account_id]

    def _admit(self, run: Run) -> None:
        here = len(self.planned_here) < self._free
        self._transaction.admit(run, hint=not here)
        if here:
            self.planned_here.append(run.job_id)
