"""How a job type submits other jobs: what a context offers it."""

from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


class Submit(Protocol):
    """Submits another job, the child of this one, for the same account and owner."""

    def __call__(
        self,
        job_type: str,
        key: str,
        parameters: Any,
        *,
        reference: str | None = None,
        run_at: datetime | None = None,
    ) -> UUID:
        """Let a job of this type be done as soon as this transaction is committed, and not without it.

        The id, which is returned, follows from this job and the key: the same key is the same child, however often
        a chunk is repeated. Let the key say what the child is for, not which chunk asks for it. The child is accepted
        like anybody's request: what it may not do makes it a failed job, and this one goes on. Raises Refused: too many
        in one transaction, or what no request may hold.
        """
        ...


class NoSubmit(Submit):
    """Where nothing is committed."""

    def __call__(
        self,
        job_type: str,
        key: str,
        parameters: Any,
        *,
        reference: str | None = None,
        run_at: datetime | None = None,
    ) -> UUID:
        raise RuntimeError(f"{job_type} {key!r}: only work and hooks submit jobs, for they commit.")


NO_SUBMIT: Submit = NoSubmit()
