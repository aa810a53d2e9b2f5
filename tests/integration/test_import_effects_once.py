"""An import's effects happen once: through double delivery, lost leases, failures, and workers killed in the middle.

Each time an account whose import was disturbed ends as one whose import was not, in every table and in the result file.
"""

import asyncio
import csv
import io
from typing import Any
from uuid import UUID

import pytest

from jobmonitor.job_types.protocol import Context, Part
from jobmonitor.job_types.user_data_import.job_type import UserDataImport
from jobmonitor.job_types.user_data_import.parameters import UserDataImportParameters
from support.crm import Crm
from support.engine import Engine
from support.import_engine import ImportEngine, import_engine, kill
from support.import_worker import CHUNK_ROWS
from support.waiting import until

LINES = (
    "Email,City,News,River",
    *("a@x.org,York,Y,P", "new1@x.org,Bath,N,P", "new2@x.org,Leeds,Y,"),
    *("new1@x.org,Hull,,P", "bad,Bath,Y,P", "b@x.org,Leeds,Y,P"),
    *("new3@x.org,'=1+1,,", "c@x.org,York,maybe,", "NEW2@x.org,,N,P"),
    "a@x.org,Bath,,",
)
"""Rows that create, update, leave, repeat an address across chunks, and cannot be used. Four chunks of three."""
CHUNKS = range(1, 5)
ASSEMBLE = 5


class InSmallChunks(UserDataImport):
    """Waits after its effects, where it is told to, and fails as often as it is told to."""

    def __init__(self) -> None:
        super().__init__(chunk_rows=CHUNK_ROWS, small_bytes_max=0)
        self.gate: asyncio.Event | None = None
        self.waiting = 0
        self.failures: list[Exception] = []

    async def run_chunk(self, params: UserDataImportParameters, payload: Any, context: Context) -> Part:
        part = await super().run_chunk(params, payload, context)
        if self.failures:
            raise self.failures.pop()
        if self.gate is not None:
            gate, self.gate = self.gate, None
            self.waiting += 1
            await gate.wait()
        return part


async def furnish(crm: Crm) -> None:
    """People who are there before, one of them unsubscribed."""
    city = (await crm.fields("Email", "City"))["City"]
    news = await crm.question("News")
    await crm.page("River", status="live")
    for address in ("a@x.org", "b@x.org", "c@x.org"):
        supporter = await crm.supporter(address, {city: "Leeds"})
        if address == "b@x.org":
            await crm.answer(supporter, news, "N")


@pytest.fixture
async def disturbed(engine: Engine, crm: Crm) -> ImportEngine:
    """Into the account whose import the test disturbs."""
    await furnish(crm)
    return await import_engine(engine, crm, InSmallChunks())


@pytest.fixture
async def undisturbed(engine: Engine, crm: Crm) -> ImportEngine:
    """Into an account where all goes well."""
    other = await crm.other_account()
    await furnish(other)
    return await import_engine(engine, other, InSmallChunks())


async def submit(importing: ImportEngine) -> UUID:
    return await importing.submit("\r\n".join(LINES))


async def without_ids(importing: ImportEngine, job_id: UUID) -> bytes:
    """The result file with addresses for ids, which come from the database and may have gaps."""
    content = (await importing.result(job_id)).decode("utf-8-sig")
    rows = await importing.imports.crm.owner.fetch("SELECT id, email::text FROM crm.supporters")
    addresses = {str(row["id"]): row["email"] for row in rows}
    written = io.StringIO(newline="")
    for row in csv.reader(io.StringIO(content, newline="")):
        csv.writer(written).writerow(
            addresses.get(cell, cell) if place == 3 else cell for place, cell in enumerate(row)
        )
    return written.getvalue().encode()


async def assert_as_if_nothing_had_happened(disturbed: ImportEngine, undisturbed: ImportEngine, job_id: UUID) -> None:
    calm = await submit(undisturbed)
    await undisturbed.run_to_end(calm)
    assert await disturbed.left_behind() == await undisturbed.left_behind()
    assert await without_ids(disturbed, job_id) == await without_ids(undisturbed, calm)
    completed, expected = await disturbed.completed(job_id), await undisturbed.completed(calm)
    assert (completed.outcomes, completed.rejected) == (expected.outcomes, expected.rejected)
    assert sum(completed.outcomes.values()) == completed.total == len(LINES) - 1


async def test_the_undisturbed_import_does_what_its_rows_say(undisturbed: ImportEngine) -> None:
    job_id = await submit(undisturbed)
    await undisturbed.run_to_end(job_id)

    left = await undisturbed.left_behind()
    assert [row[1:] for row in sorted(left["rows"])] == [
        ("updated", "a@x.org", None, None),
        ("created", "new1@x.org", None, None),
        ("created", "new2@x.org", None, None),
        ("duplicate_in_file", "new1@x.org", None, "The same address as in row 3."),
        ("error", None, "bad_email", "This is not an e-mail address."),
        ("updated", "b@x.org", "kept_unsubscribed", "Unsubscribed by the supporter, and kept so: News."),
        ("created", "new3@x.org", None, None),
        ("error", None, "bad_opt_in", "News: an opt-in is Y or N."),
        ("duplicate_in_file", "new2@x.org", None, "The same address as in row 4."),
        ("duplicate_in_file", "a@x.org", None, "The same address as in row 2."),
    ]
    assert [row[:1] for row in left["activities"]] == [(f"{who}@x.org",) for who in ("a", "b", "new1", "new2")]
    assert (await undisturbed.completed(job_id)).rejected == 2


async def test_chunks_delivered_many_times_at_once(disturbed: ImportEngine, undisturbed: ImportEngine) -> None:
    job_id = await submit(disturbed)
    for chunk in (0, *CHUNKS, ASSEMBLE):
        await asyncio.gather(*[disturbed.runner.run(job_id, chunk) for _ in range(3)])
        await disturbed.runner.run(job_id, chunk)

    await assert_as_if_nothing_had_happened(disturbed, undisturbed, job_id)


async def test_a_chunk_handed_out_too_early_waits_for_the_ones_before_it(
    disturbed: ImportEngine, undisturbed: ImportEngine
) -> None:
    job_id = await submit(disturbed)
    await disturbed.run_up_to(job_id, 1)
    for chunk in reversed((*CHUNKS, ASSEMBLE)):
        await disturbed.runner.run(job_id, chunk)
    await disturbed.run_to_end(job_id)

    await assert_as_if_nothing_had_happened(disturbed, undisturbed, job_id)


@pytest.mark.parametrize("chunk", CHUNKS)
async def test_a_worker_that_lost_its_lease_in_the_middle_of_a_chunk_leaves_nothing(
    disturbed: ImportEngine, undisturbed: ImportEngine, chunk: int
) -> None:
    """It still holds its rows locked when another takes the chunk over."""
    job_type, gate = disturbed.job_type, asyncio.Event()
    assert isinstance(job_type, InSmallChunks)
    job_id = await submit(disturbed)
    await disturbed.run_up_to(job_id, chunk)
    job_type.gate = gate
    slow = asyncio.create_task(disturbed.runner.run(job_id, chunk))

    async def waits() -> bool:
        return job_type.waiting == 1

    await until(waits)
    await disturbed.engine.end_leases(job_id)
    other = asyncio.create_task(disturbed.runner.run(job_id, chunk))

    async def taken_over() -> bool:
        attempts = "SELECT attempt FROM ledger.chunks WHERE job_id = $1 AND chunk = $2"
        return bool(await disturbed.engine.owner.fetchval(attempts, job_id, chunk) == 2)

    await until(taken_over)
    gate.set()
    await asyncio.gather(slow, other)
    await disturbed.run_to_end(job_id)

    await assert_as_if_nothing_had_happened(disturbed, undisturbed, job_id)


async def test_a_chunk_that_failed_for_a_while_is_tried_again(
    disturbed: ImportEngine, undisturbed: ImportEngine
) -> None:
    assert isinstance(disturbed.job_type, InSmallChunks)
    disturbed.job_type.failures = [OSError("the object store is away")] * 3
    job_id = await submit(disturbed)
    for _ in range(4):
        await disturbed.run_up_to(job_id, 2)
        await disturbed.engine.end_leases(job_id)
    await disturbed.run_to_end(job_id)

    await assert_as_if_nothing_had_happened(disturbed, undisturbed, job_id)


@pytest.mark.parametrize("chunk", [0, 1, 2, 4, ASSEMBLE])
async def test_a_worker_process_killed_in_the_middle_is_taken_over(
    disturbed: ImportEngine, undisturbed: ImportEngine, chunk: int
) -> None:
    """In the plan, in chunks of rows with their effects written, and while the result file is written."""
    job_id = await submit(disturbed)
    await disturbed.run_up_to(job_id, chunk)
    for _ in range(2):
        worker = await asyncio.to_thread(disturbed.start_worker_that_hangs_in, job_id, chunk)
        await asyncio.to_thread(kill, worker)
        await disturbed.engine.end_leases(job_id)
    await disturbed.run_to_end(job_id)

    await assert_as_if_nothing_had_happened(disturbed, undisturbed, job_id)


async def test_the_same_file_imported_twice_changes_nothing_the_second_time(disturbed: ImportEngine) -> None:
    content = "\r\n".join(LINES[:4])
    await disturbed.run_to_end(await disturbed.submit(content))
    before = await disturbed.left_behind()

    again = await disturbed.submit(content)
    await disturbed.run_to_end(again)

    after = await disturbed.left_behind()
    assert {name: rows for name, rows in after.items() if name != "rows"} == {
        name: rows for name, rows in before.items() if name != "rows"
    }
    assert (await disturbed.completed(again)).outcomes == {"unchanged": 3}
