"""Accepting submissions: many in one transaction. Small jobs are done in it, from start to end; the others are planned.

Where a small job fails in this transaction, it is rolled back, each submission of it is accepted alone, and the job at
fault goes the way of the large ones, whose attempts are counted.
"""

import hashlib
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import structlog

from jobmonitor.contract.events import Asked, JobSubmitted
from jobmonitor.contract.limits import RUN_AT_AHEAD, Refusal
from jobmonitor.contract.topics import requests_topic
from jobmonitor.crm.permissions import known_permissions
from jobmonitor.crm.rights import Person, Standings, start_refused, stop_refused, token_refused
from jobmonitor.crm.rights import load_standings as load_standings_of
from jobmonitor.crm.tokens import Holder, live_tokens
from jobmonitor.database.pool import Connection, see_account
from jobmonitor.job.commands import AcceptJob, FailJob, StopJob
from jobmonitor.job.state import State
from jobmonitor.job_types.parameters import BadParameters, FieldProblem, read_parameters
from jobmonitor.job_types.protocol import JobType
from jobmonitor.job_types.token_ids import named_token, takes_token
from jobmonitor.ledger import Ledger
from jobmonitor.ledger.admission import Capacity
from jobmonitor.ledger.kept_results import Kept
from jobmonitor.ledger.ledger import TOO_LARGE, TOO_LARGE_REASON
from jobmonitor.ledger.runs import Run
from jobmonitor.ledger.transaction import (
    GENERATIONS_MAX,
    EarlyStop,
    KnownRun,
    LedgerTransaction,
    MessageTooLarge,
    Parent,
)
from jobmonitor.processor.inline_runner import InlineRunner
from jobmonitor.processor.planner import Planner
from jobmonitor.processor.retrying import FAULT_OF_SOFTWARE
from jobmonitor.processor.type_code import TypeFailed, type_code

log = structlog.stdlib.get_logger()

LoadStandings = Callable[[Connection, Collection[Person]], Awaitable[Standings]]
UNKNOWN_PARENT = "unknown_parent"
BATCH_S = 0.1
"""How long a transaction goes on beginning jobs; those left over are for the next one."""


class Submission(NamedTuple):
    """A request for a new job."""

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
            parent_job_id=data.parent_job_id,
        )


class Acceptor:
    """Accepts the submissions of one job type."""

    def __init__(
        self,
        job_type: JobType[Any],
        ledger: Ledger,
        inline: InlineRunner,
        planner: Planner,
        *,
        load_standings: LoadStandings | None = None,
    ) -> None:
        self._job_type = job_type
        self.load_standings = load_standings or partial(
            load_standings_of, known=known_permissions([job_type.permission])
        )
        self._ledger = ledger
        self._inline = inline
        self._planner = planner

    async def accept(self, submissions: Sequence[Submission]) -> None:
        """Accept these, as far as nobody did. Raises a temporary error when the ledger is away."""
        left = list(submissions)
        while left:
            try:
                left = await self._together(left, inline=True)
            except Exception as error:
                log.info("batch_divided", submissions=len(left), error=repr(error))
                for submission in left:
                    await self._alone(submission)
                return

    async def _alone(self, submission: Submission) -> None:
        try:
            await self._together([submission], inline=True)
        except Exception as error:
            log.warning("not_done_inline", job_id=str(submission.job_id), error=repr(error))
            await self._begin(submission)

    async def _begin(self, submission: Submission) -> None:
        """Let it begin, without doing any of it. One whose facts no message can hold is failed."""
        try:
            await self._together([submission], inline=False)
        except MessageTooLarge as error:
            log.warning("job_too_large", job_id=str(submission.job_id), error=str(error))
            await self.refuse(submission, TOO_LARGE, TOO_LARGE_REASON)

    async def refuse(self, submission: Submission, code: str, reason: str) -> None:
        """End a job as it is accepted, unless somebody accepted it. Its fact repeats neither the parameters nor the
        parent, for which nobody has looked."""
        async with self._ledger.transaction() as transaction:
            for unknown in await self._unknown(transaction, [submission]):
                run = _new_run(self._job_type, unknown, _read(self._job_type, unknown), datetime.now(UTC))
                run = transaction.accept(msgspec.structs.replace(run, parent_job_id=None))
                asked = msgspec.structs.replace(unknown.asked(), parameters=None, parent_job_id=None)
                transaction.apply(run, FailJob(code=code, reason=reason, asked=asked))

    async def _unknown(self, transaction: LedgerTransaction, submissions: Sequence[Submission]) -> list[Submission]:
        """Those that nobody accepted before, each once. One that asks for something else than before is rejected."""
        by_id = {submission.job_id: submission for submission in reversed(submissions)}
        for job_id, known in (await transaction.known_runs(by_id.keys())).items():
            del by_id[job_id]
            for again in submissions:
                if again.job_id == job_id:
                    await self._reject_other(transaction, again, known)
        return list(by_id.values())

    async def _reject_other(self, transaction: LedgerTransaction, again: Submission, known: KnownRun) -> None:
        """In the name of another account it changes nothing and says nothing."""
        same = known.request_sha256 in (None, request_digest(again, _read(self._job_type, again)))
        if same or known.account_id != again.data.account_id:
            return
        run = await transaction.lock(again.job_id)
        why = Refusal("key_reused", "This job was submitted again with other parameters; it stays as it was.")
        transaction.reject(run, "submit", again.request_id, again.at, why)

    async def _together(self, submissions: Sequence[Submission], *, inline: bool) -> list[Submission]:
        """Accept as many as a transaction has time for, one at least; returns the others."""
        ends_at_s = time.monotonic() + BATCH_S
        async with self._ledger.transaction() as transaction:
            await transaction.hold_off_early_stops({*map(_account, submissions)})
            left = sorted(await self._unknown(transaction, submissions), key=_account, reverse=True)
            if not left:
                return []
            known = await self._known(transaction, left)
            batch = _Batch(self._job_type, transaction, self._inline, known, free=self._planner.free)
            while left:
                submission = left.pop()
                await batch.accept(submission, inline=inline)
                if submission.job_id in known.early_stops:
                    await transaction.forget_early_stops([submission.job_id])
                if time.monotonic() > ends_at_s:
                    break
        for job_id in batch.planned_here:
            self._planner.plan(job_id)
        return left

    async def _known(self, transaction: LedgerTransaction, submissions: Sequence[Submission]) -> "Known":
        stops = await transaction.early_stops([submission.job_id for submission in submissions])
        people = {*map(_owner, submissions), *(_person(stop) for some in stops.values() for stop in some)}
        standings = await self.load_standings(transaction.connection, people)
        kept = await transaction.kept_results({*map(_account, submissions)})
        parents = {parent for submission in submissions if (parent := submission.data.parent_job_id)}
        tokens = await self._live_tokens(transaction.connection, submissions)
        return Known(standings, stops, kept, await transaction.parents(parents) if parents else {}, tokens)

    async def _live_tokens(self, connection: Connection, submissions: Sequence[Submission]) -> frozenset[Holder]:
        """Of those the submissions name; none where the type takes none."""
        if not takes_token(self._job_type.params_type):
            return frozenset()
        named = {token for each in submissions if (token := _token(each, each.data.parameters))}
        return await live_tokens(connection, named)


def _account(submission: Submission) -> int:
    return submission.data.account_id


def _owner(submission: Submission) -> Person:
    return Person(submission.data.account_id, submission.data.owner_id)


def _token(submission: Submission, parameters: Any) -> Holder | None:
    """The token that its parameters, read or not, name: one of the job's owner."""
    token_id = named_token(parameters)
    return None if token_id is None else Holder(*_owner(submission), token_id)


def _person(stop: EarlyStop) -> Person:
    return Person(stop.account_id, stop.requested_by)


class Known(NamedTuple):
    """What decides about the submissions of a transaction, beside what they say."""

    standings: Standings
    early_stops: Mapping[UUID, Sequence[EarlyStop]]
    kept: Mapping[int, Kept]
    """By account."""
    parents: Mapping[UUID, Parent]
    tokens: frozenset[Holder]
    """Those live that the submissions name."""


def _read(job_type: JobType[Any], submission: Submission) -> Any:
    """The parameters as the type's own value, or the BadParameters."""
    try:
        with type_code():
            params = read_parameters(job_type.params_type, submission.data.parameters)
            job_type.exclusive_resources(params)  # here, so that a bug there is the type's, too
            return params
    except BadParameters as error:
        return error
    except TypeFailed as bug:
        log.exception("parameters_not_read", job_id=str(submission.job_id), exc_info=bug.__cause__)
        return BadParameters([FieldProblem("", f"They could not be read. {FAULT_OF_SOFTWARE}")])


def _new_run(job_type: JobType[Any], submission: Submission, params: Any, now: datetime) -> Run:
    """``params``: as they were read."""
    data = submission.data
    return Run(
        job_id=submission.job_id,
        account_id=data.account_id,
        owner_id=data.owner_id,
        job_type=data.job_type,
        parameters=data.parameters,
        created_at=now,
        run_at=data.run_at,
        parent_job_id=data.parent_job_id,
        exclusive_resources=_resources(job_type, params),
        request_sha256=request_digest(submission, params),
    )


def _resources(job_type: JobType[Any], params: Any) -> tuple[str, ...]:
    return () if isinstance(params, BadParameters) else tuple(sorted(job_type.exclusive_resources(params)))


def request_digest(submission: Submission, params: Any) -> str:
    """Of all that was asked; the same for the same meaning: defaults may be written or left out."""
    data = submission.data
    parameters = data.parameters if isinstance(params, BadParameters) else msgspec.to_builtins(params)
    parent = () if data.parent_job_id is None else (data.parent_job_id,)
    asked = (data.owner_id, data.job_type, data.reference or None, data.run_at, parameters, submission.refusal, *parent)
    return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()


def _parent_refused(data: JobSubmitted, parents: Mapping[UUID, Parent]) -> Refusal | None:
    """Why it cannot be the child of the job it names; None where it can, or names none."""
    if data.parent_job_id is None:
        return None
    parent = parents.get(data.parent_job_id)
    if parent is None or parent.account_id != data.account_id:
        return Refusal(UNKNOWN_PARENT, f"Its parent, job {data.parent_job_id}, is not a job of this account.")
    if parent.ancestors + 2 > GENERATIONS_MAX:
        return Refusal(
            "too_many_generations",
            f"It is the last of a line of jobs of which each submitted the next; more than {GENERATIONS_MAX} "
            "are not allowed.",
        )
    return None


class _Batch:
    """The submissions of one transaction; the accounts come in ascending order."""

    def __init__(
        self,
        job_type: JobType[Any],
        transaction: LedgerTransaction,
        inline: InlineRunner,
        known: Known,
        *,
        free: int,
    ) -> None:
        self.planned_here: list[UUID] = []
        self._job_type = job_type
        self._transaction = transaction
        self._inline = inline
        self._standings, self._early_stops, self._kept, self._parents, self._tokens = known
        self._accepted = 0
        self._free = free
        """Plans that this worker may take itself."""
        self._capacities: dict[int, Capacity] = {}
        self._account_id: int | None = None
        """The account the connection sees."""

    async def accept(self, submission: Submission, *, inline: bool) -> None:
        """Schedule the job, do it, let it begin, or let it wait; or fail it as its first fact, with the reason.

        Whoever published it has no other answer to read.
        """
        params = _read(self._job_type, submission)
        run = self._transaction.accept(_new_run(self._job_type, submission, params, self._next_moment()))
        asked = submission.asked()
        if refusal := self._refusal(submission, params):
            if refusal.code == UNKNOWN_PARENT:
                run = msgspec.structs.replace(run, parent_job_id=None)
                asked = msgspec.structs.replace(asked, parent_job_id=None)
            self._transaction.apply(run, FailJob(code=refusal.code, reason=refusal.reason, asked=asked))
            return
        run = self._stopped(self._transaction.apply(run, AcceptJob(asked=asked, now=self._standings.now)))
        if run.state is not State.QUEUED or (inline and await self._done(run, params)):
            return
        here = len(self.planned_here) < self._free
        if self._transaction.admit_or_wait(run, await self._capacity(run), hint=not here) and here:
            self.planned_here.append(run.job_id)

    def _stopped(self, run: Run) -> Run:
        """The job, cancelled by a stop that came before it, if there is one that may."""
        for stop in self._early_stops.get(run.job_id, ()):
            by, at, person = stop.requested_by, stop.requested_at, _person(stop)
            ours = stop.account_id == run.account_id
            if ours and self._job_type.stoppable and not stop_refused(person, self._standings.of[person], run.owner_id):
                run = msgspec.structs.replace(run, stop_requested_by=by, stop_requested_at=at, stop_heard_at=at)
                return self._transaction.apply(run, StopJob(requested_by=by, requested_at=at))
        return run

    def _next_moment(self) -> datetime:
        """Jobs wait in the order they were accepted; by the database's clock, as workers' clocks differ."""
        self._accepted += 1
        return self._standings.now + timedelta(microseconds=self._accepted)

    def _refusal(self, submission: Submission, params: Any) -> Refusal | None:
        """Why the job may not begin; None where it may."""
        data, person = submission.data, _owner(submission)
        if refusal := _parent_refused(data, self._parents):
            return refusal
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
        if isinstance(params, BadParameters):
            return Refusal("bad_parameters", f"The parameters cannot be used. {params}")
        if token := _token(submission, params):
            permissions = self._standings.of[person].permissions
            return token_refused(permissions, token.token_id, live=token in self._tokens)
        return None

    async def _done(self, run: Run, params: Any) -> bool:
        """Whether the job was small, and is done."""
        if run.exclusive_resources and not (await self._capacity(run)).is_free(run.exclusive_resources):
            return False
        if self._account_id != run.account_id:
            self._account_id = run.account_id
            await see_account(self._transaction.connection, run.account_id)
        return await self._inline.do(self._transaction, run, params)

    async def _capacity(self, run: Run) -> Capacity:
        account_id = run.account_id
        if account_id not in self._capacities:
            self._capacities[account_id] = await self._transaction.capacity(account_id)
        capacity = self._capacities[account_id]
        if run.exclusive_resources or capacity.resources:  # only then can somebody wait for any
            await self._transaction.heed_waiting(account_id, capacity)
        return capacity
