"""Bugs to plant in a copy of a world of jobs, one for each way to break an invariant."""

import mailbox
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import uuid4

import msgspec

from jobmonitor.checker.client_history import Operation
from jobmonitor.contract.topics import catalogue
from jobmonitor.job_types.registry import slugs
from support.checked_world import STRANGER, World
from support.job_events import NOON, says

TOPICS = catalogue(slugs(with_probe=False))
Plant = Callable[[World], Awaitable[None]]


@dataclass(frozen=True)
class Bug:
    """One way to break one invariant."""

    invariant: str
    name: str
    plant: Plant
    calm: bool = False


BUGS: list[Bug] = []


def breaks(invariant: str, *, calm: bool = False) -> Callable[[Plant], Plant]:
    """Enters a bug into the list."""

    def enter(plant: Plant) -> Plant:
        BUGS.append(Bug(invariant, plant.__name__, plant, calm))
        return plant

    return enter


@breaks("I1")
async def a_run_is_lost(world: World) -> None:
    await world.execute("DELETE FROM ledger.runs WHERE job_id = $1", world.jobs["failed"])


@breaks("I1", calm=True)
async def a_submission_nobody_took_up(world: World) -> None:
    await world.publish([world.elsewhere().submitted()])
    await world.fold()


@breaks("I1")
async def an_accepted_submission_is_not_in_the_log(world: World) -> None:
    world.clients.append(Operation(operation="submit", job_id=uuid4(), outcome="ok"))


@breaks("I1")
async def a_refused_submission_is_there_all_the_same(world: World) -> None:
    job_id = world.jobs["small"]
    world.clients = [asked for asked in world.clients if asked.job_id != job_id]
    world.clients.append(Operation(operation="submit", job_id=job_id, outcome="fail"))


@breaks("I2")
async def one_key_is_two_requests(world: World) -> None:
    again = next(asked for asked in world.clients if asked.operation == "submit")
    world.clients.append(msgspec.structs.replace(again, parameters={"units": 77}))


@breaks("I2")
async def one_key_is_another_job(world: World) -> None:
    asked = world.clients[0]
    world.clients[0] = msgspec.structs.replace(asked, key="spring")


@breaks("I3")
async def a_job_changes_its_number(world: World) -> None:
    await world.execute("UPDATE projection.job_monitor SET number = 99 WHERE job_id = $1", world.jobs["small"])


@breaks("I4")
async def a_run_changes_its_owner(world: World) -> None:
    await world.execute("UPDATE ledger.runs SET owner_id = 3 WHERE job_id = $1", world.jobs["small"])


@breaks("I4")
async def a_run_changes_its_parameters(world: World) -> None:
    await world.execute(
        "UPDATE ledger.runs SET parameters = parameters || '{\"units\": 4.5}' WHERE job_id = $1", world.jobs["small"]
    )


@breaks("I5")
async def a_job_runs_without_having_been_queued(world: World) -> None:
    job = world.elsewhere()
    await world.publish([job.submitted(), job.scheduled(NOON), job.started()])


@breaks("I6")
async def a_job_ends_twice(world: World) -> None:
    job = world.elsewhere()
    await world.publish([job.submitted(), job.queued(), job.started(), job.failed(), job.cancelled()])


@breaks("I7")
async def two_facts_have_one_number(world: World) -> None:
    job = world.elsewhere()
    events = [job.submitted(), job.queued(), job.started()]
    await world.publish([*events, says(job.stopping(), sequence=2)])


@breaks("I7")
async def two_facts_of_progress_have_one_number(world: World) -> None:
    job = world.elsewhere()
    events = [job.submitted(), job.queued(), job.started(), job.progressed(10)]
    await world.publish([*events, says(job.progressed(20), sequence=3)])


@breaks("I7", calm=True)
async def a_fact_is_missing(world: World) -> None:
    job = world.elsewhere()
    events = [job.submitted(), job.queued(), job.started(), job.progressed(10), job.failed()]
    await world.publish([event for event in events if event is not events[3]])
    await world.fold()


@breaks("I7", calm=True)
async def the_ledger_is_behind_the_log(world: World) -> None:
    await world.execute("UPDATE ledger.runs SET sequence = sequence + 1 WHERE job_id = $1", world.jobs["completed"])


@breaks("I8")
async def progress_falls(world: World) -> None:
    job = world.elsewhere()
    await world.publish([job.submitted(), job.queued(), job.started(), job.progressed(50), job.progressed(40)])


@breaks("I8")
async def a_total_changes(world: World) -> None:
    job = world.elsewhere()
    events = [job.submitted(), job.queued(), job.started()]
    job.total = 200
    await world.publish([*events, job.progressed(50)])


@breaks("I9")
async def a_job_ends_before_it_started(world: World) -> None:
    job = world.elsewhere()
    events = [job.submitted(), job.queued(), job.started()]
    await world.publish([*events, msgspec.structs.replace(job.failed(), time=NOON - timedelta(hours=1))])


@breaks("I10")
async def a_run_counts_less_than_its_facts(world: World) -> None:
    await world.execute("UPDATE ledger.runs SET done = done - 1 WHERE job_id = $1", world.jobs["completed"])


@breaks("I10")
async def a_chunk_is_marked_done_that_nobody_counted(world: World) -> None:
    await world.execute(
        "UPDATE ledger.chunks SET state = 'done' WHERE job_id = $1 AND chunk = 2", world.jobs["running"]
    )


@breaks("I10")
async def a_chunk_took_effect_twice(world: World) -> None:
    await world.execute(
        "INSERT INTO probe.effects SELECT * FROM probe.effects WHERE job_id = $1 AND unit = 1", world.jobs["completed"]
    )


@breaks("I10")
async def a_chunk_took_no_effect(world: World) -> None:
    await world.execute("DELETE FROM probe.effects WHERE job_id = $1 AND unit = 1", world.jobs["completed"])


@breaks("I11")
async def a_job_fails_without_a_reason(world: World) -> None:
    job = world.elsewhere()
    await world.publish([job.submitted(), says(job.failed(), reason=" ")])


@breaks("I12")
async def outcomes_do_not_add_up(world: World) -> None:
    job = world.elsewhere()
    events = [job.submitted(), job.queued(), job.started()]
    await world.publish([*events, says(job.completed(), outcomes={"exported": 99})])


@breaks("I12")
async def an_imported_row_has_no_outcome(world: World) -> None:
    await world.execute("DELETE FROM crm.import_rows WHERE job_id = $1 AND outcome = 'error'", world.jobs["imported"])


@breaks("I14")
async def a_result_is_gone(world: World) -> None:
    (await world.result_file("completed")).unlink()


@breaks("I14")
async def a_result_has_another_byte(world: World) -> None:
    file = await world.result_file("completed")
    file.write_bytes(file.read_bytes().replace(b"3", b"7"))


@breaks("I14")
async def a_result_has_fewer_rows_than_it_says(world: World) -> None:
    """In its facts too: nothing but the file itself tells."""
    file = await world.result_file("imported")
    content = file.read_bytes() + b"5,x@example.org,created,1,,\r\n"
    file.write_bytes(content)


@breaks("I14")
async def a_result_lacks_what_was_done(world: World) -> None:
    await world.execute("UPDATE ledger.runs SET rows = rows + 1 WHERE job_id = $1", world.jobs["completed"])


@breaks("I19")
async def a_stopped_job_completes(world: World) -> None:
    job = world.elsewhere()
    events = [job.submitted(), job.queued(), job.started(), job.stopping()]
    await world.publish([*events, job.completed()])


@breaks("I19")
async def an_acknowledged_stop_is_lost(world: World) -> None:
    world.clients.append(Operation(operation="stop", job_id=world.jobs["running"], outcome="ok"))


@breaks("I20")
async def a_chunk_is_handed_out_after_the_stop(world: World) -> None:
    await world.execute(
        "UPDATE ledger.chunks SET state = 'dispatched', dispatched_at = now() + interval '1 minute' "
        "WHERE job_id = $1 AND chunk = 4",
        world.jobs["stopping"],
    )


@breaks("I21")
async def a_job_is_in_neither_view(world: World) -> None:
    await world.execute("DELETE FROM projection.job_history WHERE job_id = $1", world.jobs["downloaded"])


@breaks("I21")
async def a_job_is_put_away_too_early(world: World) -> None:
    await move(world, "job_monitor", "job_history", "completed")


@breaks("I22")
async def a_job_comes_back(world: World) -> None:
    await move(world, "job_history", "job_monitor", "downloaded")


@breaks("I23")
async def a_stranger_downloads(world: World) -> None:
    job = world.elsewhere()
    events = [job.submitted(), job.queued(), job.started(), job.completed()]
    await world.publish([*events, job.downloaded(by=STRANGER)])


@breaks("I23")
async def a_broken_transfer_counts(world: World) -> None:
    world.clients = [asked for asked in world.clients if asked.operation != "download"]
    world.clients.append(Operation(operation="download", job_id=world.jobs["downloaded"], outcome="fail"))


@breaks("I27")
async def a_view_says_something_else(world: World) -> None:
    await world.execute("UPDATE projection.job_monitor SET done = done - 1 WHERE job_id = $1", world.jobs["completed"])


@breaks("I27")
async def a_view_shows_a_job_of_which_the_log_knows_nothing(world: World) -> None:
    await world.execute(
        "WITH r AS (INSERT INTO registry.job_numbers (job_id) VALUES ($1) RETURNING job_id, number, month) "
        "INSERT INTO projection.job_monitor (job_id, number, month, account_id, owner_id, job_type, state, sequence, "
        "done, total, rejected, updated_at) SELECT job_id, number, month, 1, 2, 'probe', 'queued', 1, 0, 0, 0, now() "
        "FROM r",
        uuid4(),
    )


@breaks("I27")
async def a_point_of_a_timeline_is_missing(world: World) -> None:
    await world.execute(
        "DELETE FROM projection.job_timeline WHERE job_id = $1 AND type = 'job_started'", world.jobs["completed"]
    )


@breaks("I27")
async def a_point_of_a_timeline_says_something_else(world: World) -> None:
    await world.execute(
        "UPDATE projection.job_timeline SET data = data || '{\"total\": 6}' WHERE job_id = $1 AND type = 'job_started'",
        world.jobs["completed"],
    )


@breaks("I27")
async def messages_were_deleted_before_they_were_folded(world: World) -> None:
    await world.execute("INSERT INTO registry.skipped_messages VALUES ('jobs.probe', 0, 3, 5)")


@breaks("I28", calm=True)
async def a_page_stays_behind(world: World) -> None:
    world.clients.append(
        Operation(operation="watch", job_id=world.jobs["completed"], outcome="ok", state="running", done=4)
    )


@breaks("I16")
async def a_message_goes_out_that_nobody_asked_for(world: World) -> None:
    mailbox.Maildir(world.mail).add("Subject: Hello\n\nHello.")


@breaks("I29")
async def an_accepted_job_is_not_found(world: World) -> None:
    world.clients.append(Operation(operation="read", job_id=world.jobs["small"], outcome="fail"))


@breaks("I30")
async def a_scheduled_job_starts_early(world: World) -> None:
    job = world.elsewhere()
    run_at = NOON + timedelta(days=1)
    await world.publish([job.submitted(run_at=run_at), job.scheduled(run_at), job.queued()])


@breaks("I32", calm=True)
async def a_message_is_left_in_the_outbox(world: World) -> None:
    await world.execute(
        "INSERT INTO ledger.outbox (topics, keys, values, types) VALUES ('{work.probe}', '{x}', '{x}', '{x}')"
    )


@breaks("I32")
async def a_message_has_waited_in_the_outbox_for_long(world: World) -> None:
    await world.execute(
        "INSERT INTO ledger.outbox (topics, keys, values, types, created_at) "
        "VALUES ('{work.probe}', '{x}', '{x}', '{x}', now() - interval '2 minutes')"
    )


@breaks("I32")
async def a_message_is_refused_by_kafka(world: World) -> None:
    await world.execute(
        "INSERT INTO ledger.outbox (topics, keys, values, types, refusal) "
        "VALUES ('{work.probe}', '{x}', '{x}', '{x}', 'It is too large.')"
    )


@breaks("I31")
async def an_account_waits_for_jobs_that_stand_still(world: World) -> None:
    await world.execute("UPDATE ledger.runs SET admitted = false WHERE job_id = $1", world.jobs["queued"])
    await world.execute("UPDATE ledger.runs SET updated_at = now() - interval '1 hour' WHERE state <> 'queued'")


@breaks("I34")
async def nobody_serves_a_job_type(world: World) -> None:
    await world.publish([world.elsewhere().submitted()])
    await world.fold()


@breaks("I38")
async def a_topic_forgets_after_a_week(world: World) -> None:
    wanted = next(topic for topic in TOPICS if topic.name == "work.user-data-import")
    world.catalogue = (*TOPICS[1:], replace(wanted, retention_ms=-1))


@breaks("I38")
async def a_topic_is_missing(world: World) -> None:
    world.catalogue = (*TOPICS, replace(TOPICS[0], name="requests.of-tomorrow"))


@breaks("I32", calm=True)
async def the_views_are_behind_the_log(world: World) -> None:
    job = world.elsewhere()
    await world.publish([job.queued(), job.failed()])


@breaks("I32", calm=True)
async def the_parts_of_an_ended_job_are_left(world: World) -> None:
    folder = world.folder / "parts" / "1" / str(world.jobs["completed"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "left").write_bytes(b"1")


async def move(world: World, source: str, target: str, job: str) -> None:
    """Move a row from one view to the other."""
    columns = await world.fetchval(
        "SELECT string_agg(column_name, ', ') FROM information_schema.columns "
        "WHERE table_schema = 'projection' AND table_name = 'job_monitor' AND is_generated = 'NEVER'"
    )
    await world.execute(
        f"WITH moved AS (DELETE FROM projection.{source} WHERE job_id = $1 RETURNING {columns}) "
        f"INSERT INTO projection.{target} ({columns}) SELECT {columns} FROM moved",
        world.jobs[job],
    )
