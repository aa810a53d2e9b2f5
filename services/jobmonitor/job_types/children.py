"""The jobs that a job submits: requests that leave with the transaction in which it does so, or not at all."""

from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

import msgspec

from jobmonitor.contract.events import JobSubmitted, submission_refused
from jobmonitor.contract.job_ids import job_id_for
from jobmonitor.job_types.protocol import Refused
from jobmonitor.job_types.registry import slugs
from jobmonitor.ledger.transaction import LedgerTransaction

CHILDREN_MAX = 100
"""Of one transaction: what a chunk writes stays small, and a mistake in a loop starts no flood."""
KEY_LENGTH_MAX = 200


class Submitting(Protocol):
    """The job that submits others, as a run and a claim tell it."""

    @property
    def job_id(self) -> UUID: ...
    @property
    def account_id(self) -> int: ...
    @property
    def owner_id(self) -> int: ...
    @property
    def job_type(self) -> str: ...


class Children:
    """What one transaction of a job submits: the ``submit`` of its context."""

    def __init__(self, transaction: LedgerTransaction, parent: Submitting) -> None:
        self._transaction = transaction
        self._parent = parent
        self._submitted: dict[UUID, JobSubmitted] = {}

    def __call__(
        self,
        job_type: str,
        key: str,
        parameters: Any,
        *,
        reference: str | None = None,
        run_at: datetime | None = None,
    ) -> UUID:
        """See ``job_types.submit.Submit``."""
        if not 0 < len(key) <= KEY_LENGTH_MAX:
            raise ValueError(f"The key of a child has 1 to {KEY_LENGTH_MAX} characters, not {len(key)}.")
        if job_type not in {*slugs(with_probe=False), self._parent.job_type}:
            raise ValueError(f"There is no job type {job_type!r} to submit.")
        child = self._child(job_type, parameters, reference, run_at)
        job_id = job_id_for(self._parent.account_id, f"{self._parent.job_id}:{key}")
        if self._is_new(job_id, child):
            self._transaction.submit(job_id, child)
        return job_id

    def _child(self, job_type: str, parameters: Any, reference: str | None, run_at: datetime | None) -> JobSubmitted:
        """Raises Refused, and ValueError where it is none that could be read again."""
        says = {
            "account_id": self._parent.account_id,
            "owner_id": self._parent.owner_id,
            "job_type": job_type,
            "parameters": parameters,
            "reference": reference,
            "run_at": run_at,
            "parent_job_id": self._parent.job_id,
        }
        child = msgspec.convert(msgspec.to_builtins(says), JobSubmitted)
        if refusal := submission_refused(child):
            raise Refused(refusal.code, refusal.reason)
        return child

    def _is_new(self, job_id: UUID, child: JobSubmitted) -> bool:
        """Raises Refused for one too many, and ValueError for one key that is to be two jobs."""
        before = self._submitted.setdefault(job_id, child)
        if before is not child and before != child:
            raise ValueError("One key stands for two different children.")
        if len(self._submitted) > CHILDREN_MAX:
            raise Refused("too_many_children", f"A job can start {CHILDREN_MAX} others in one step, and not more.")
        return before is child
