"""Which waiting job begins next: none shares a resource, none is overtaken for ever, and they never all wait."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from jobmonitor.ledger.admission import Capacity, Waiting

JOBS_MAX = 2
KINDS = st.tuples(st.sampled_from(["import", "deletion", "export"]), st.frozensets(st.sampled_from("abc")))


class Account:
    """The jobs of an account, in the order in which they were accepted."""

    def __init__(self) -> None:
        self.waiting: list[Waiting] = []
        self.at_work: list[Waiting] = []
        self.accepted = 0

    def capacity(self) -> Capacity:
        capacity = Capacity(JOBS_MAX, {}, set())
        for job in self.at_work:
            capacity.at_work[job.job_type] = capacity.at_work.get(job.job_type, 0) + 1
            capacity.resources.update(job.resources)
        return capacity

    def accept(self, job_type: str, resources: frozenset[str]) -> None:
        """As a worker does."""
        self.accepted += 1
        job, capacity = Waiting(UUID(int=self.accepted), job_type, resources), self.capacity()
        capacity.heed(self.waiting)
        (self.at_work if capacity.take(job_type, resources) else self.waiting).append(job)

    def end(self, number: int) -> None:
        """As a worker does: whatever may begin now begins."""
        self.at_work.pop(number)
        while (job_id := self.capacity().next_of(self.waiting)) is not None:
            job = next(each for each in self.waiting if each.job_id == job_id)
            self.waiting.remove(job)
            self.at_work.append(job)


@given(st.lists(st.one_of(KINDS, st.integers(0, 5)), max_size=60))
def test_no_two_jobs_share_a_resource_and_some_job_works(history: list[tuple[str, frozenset[str]] | int]) -> None:
    account = Account()
    for step in history:
        if isinstance(step, tuple):
            account.accept(*step)
        elif step < len(account.at_work):
            account.end(step)
        used = [resource for job in account.at_work for resource in job.resources]
        assert len(used) == len(set(used))
        assert account.at_work or not account.waiting


@given(st.lists(KINDS, min_size=1, max_size=30))
def test_a_job_begins_in_time_though_all_that_end_come_again(kinds: list[tuple[str, frozenset[str]]]) -> None:
    account = Account()
    for kind in kinds:
        account.accept(*kind)
    last = account.waiting[-1] if account.waiting else None
    for _ in range(2 * len(kinds)):
        for job in list(account.at_work):
            account.end(account.at_work.index(job))
            account.accept(job.job_type, frozenset(job.resources))
    assert last not in account.waiting


def test_a_job_of_a_full_type_keeps_no_resource_it_could_not_use() -> None:
    capacity = Capacity(1, {"import": 1}, set())
    waiting = [Waiting(UUID(int=1), "import", {"a"}), Waiting(UUID(int=2), "deletion", {"a"})]
    assert capacity.next_of(waiting) == UUID(int=2)


def test_what_a_waiting_job_needs_is_kept_for_it() -> None:
    capacity = Capacity(8, {}, {"a"})
    waiting = [Waiting(UUID(int=1), "import", {"a", "b"}), Waiting(UUID(int=2), "deletion", {"b"})]
    assert capacity.next_of(waiting) is None
    assert not capacity.take("deletion", {"b"})
    assert capacity.take("export", {"c"})
