"""What job types do when their jobs begin and end, inside the ledger's own transactions.

So it happens exactly once, however a job ends and whoever ends it: its worker, another one or the reconciler.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import structlog
from prometheus_client import Counter

from jobmonitor.database.pool import see_account
from jobmonitor.job_types.children import Children
from jobmonitor.job_types.defaults import JobTypeDefaults
from jobmonitor.job_types.protocol import Context, Ending, JobType, Refused
from jobmonitor.ledger.runs import Run
from jobmonitor.ledger.transaction import LedgerTransaction
from jobmonitor.runtime.failures import is_temporary
from jobmonitor.runtime.objects import ObjectStore

BUGS = Counter(
    "jobmonitor_job_type_hook_bugs_total",
    "Ends of jobs at which their type's own code failed; the jobs ended all the same",
    ["job_type"],
)

log = structlog.stdlib.get_logger()


class TypeFailed(Exception):
    """A job type's own code raised what nobody expects of it. Its ``__cause__`` is what was raised."""


class JobTypeHooks:
    """The hooks of all job types. ``find`` gives a type by its slug."""

    def __init__(self, find: Callable[[str], JobType[Any]], objects: ObjectStore) -> None:
        self._find = find
        self._objects = objects

    async def began(self, transaction: LedgerTransaction, run: Run) -> None:
        """Raises TypeFailed, Refused and temporary errors: the job then has not begun."""
        job_type = self._find(run.job_type)
        if not _has(job_type, "began"):
            return
        context = await self._context(transaction, run)
        try:
            await job_type.began(_params(job_type, run), context)
        except Refused:
            raise
        except (Exception, SystemExit) as error:
            if is_temporary(error):
                raise
            raise TypeFailed(repr(error)) from error

    async def ended(self, transaction: LedgerTransaction, run: Run) -> None:
        """A bug leaves nothing of the hook, and the job ends all the same. Raises temporary errors."""
        messages = len(transaction.messages)
        try:
            await self._run_ended(transaction, run)
        except (Exception, SystemExit) as error:
            if is_temporary(error):
                raise
            del transaction.messages[messages:]
            log.exception("hook_failed", job_type=run.job_type, job_id=str(run.job_id))
            BUGS.labels(run.job_type).inc()

    async def _run_ended(self, transaction: LedgerTransaction, run: Run) -> None:
        job_type = self._find(run.job_type)
        if not _has(job_type, "ended"):
            return
        assert run.state is not None  # noqa: S101 - it has ended
        ending = Ending(run.state, run.outcomes, run.rejected, run.done, run.total)
        context = await self._context(transaction, run)
        async with transaction.connection.transaction():  # a savepoint
            await job_type.ended(_params(job_type, run), ending, context)

    async def _context(self, transaction: LedgerTransaction, run: Run) -> Context:
        await see_account(transaction.connection, run.account_id)
        return Context(
            transaction.connection,
            self._objects,
            run.account_id,
            run.owner_id,
            run.job_id,
            submit=Children(transaction, run),
        )


def _has(job_type: JobType[Any], hook: str) -> bool:
    """Whether the type says anything of its own there; else no statement is spent on it."""
    return getattr(type(job_type), hook) is not getattr(JobTypeDefaults, hook)


def _params(job_type: JobType[Any], run: Run) -> Any:
    return msgspec.convert(run.parameters, job_type.params_type)
