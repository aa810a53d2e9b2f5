"""Bugs to plant in what drops what is old: too early, never, or not for good. ``BUGS`` has all others too."""

from support.checked_world import World
from support.planted_bugs import BUGS, breaks

__all__ = ["BUGS"]


@breaks("I40")
async def a_run_goes_while_its_result_is_offered(world: World) -> None:
    await drop_run(world, "small")


@breaks("I40")
async def a_run_goes_while_its_job_is_going_on(world: World) -> None:
    await world.execute("DELETE FROM ledger.chunks WHERE job_id = $1", world.jobs["running"])
    await drop_run(world, "running")


@breaks("I40", calm=True)
async def a_dropped_run_comes_back(world: World) -> None:
    await world.execute("INSERT INTO ledger.taken_up VALUES ($1, 1)", world.jobs["never started"])


@breaks("I40")
async def a_month_is_dropped_too_early(world: World) -> None:
    await drop_month(world, dropped_at="2021-12-31")


@breaks("I40")
async def a_month_goes_while_a_job_of_it_goes_on(world: World) -> None:
    await drop_month(world)
    await number_in_2020(world, "running")
    await world.execute("DELETE FROM projection.job_monitor WHERE job_id = $1", world.jobs["running"])


@breaks("I40")
async def a_month_goes_with_a_job_that_ended_yesterday(world: World) -> None:
    await drop_month(world)
    await number_in_2020(world, "downloaded", view=None)
    await world.execute("DELETE FROM projection.job_history WHERE job_id = $1", world.jobs["downloaded"])


@breaks("I40")
async def a_job_of_a_dropped_month_comes_back(world: World) -> None:
    await drop_month(world)
    await number_in_2020(world, "queued")


@breaks("I40")
async def an_old_month_is_never_dropped(world: World) -> None:
    await keep(world, "jobs")
    await world.execute("SELECT registry.add_month('projection', '2020-01-01')")


@breaks("I40", calm=True)
async def an_old_run_is_never_dropped(world: World) -> None:
    await keep(world, "runs")
    await world.execute(
        "UPDATE ledger.runs SET updated_at = now() - interval '721 days' - interval '1 day 1 hour' WHERE job_id = $1",
        world.jobs["never started"],
    )


@breaks("I40", calm=True)
async def old_row_outcomes_are_never_dropped(world: World) -> None:
    await keep(world, "row outcomes")
    await world.execute("SELECT registry.add_partition('crm', 'import_rows', '2020-01-01')")


async def keep(world: World, what: str) -> None:
    """The reconciler was told to keep this for 24 months, of 30 days each as of runs."""
    await world.execute("INSERT INTO registry.retention (what, kept) VALUES ($1, '720 days')", what)


async def drop_month(world: World, *, dropped_at: str = "2026-01-01") -> None:
    await world.execute(
        "INSERT INTO registry.dropped_months VALUES ('2020-01-01', '24 months', $1::text::timestamptz)", dropped_at
    )


async def number_in_2020(world: World, job: str, view: str | None = "projection.job_monitor") -> None:
    """The job's Job# is of that month, in the registry and in this view."""
    for table in filter(None, ("registry.job_numbers", view)):
        await world.execute(f"UPDATE {table} SET month = '2020-01-01' WHERE job_id = $1", world.jobs[job])


async def drop_run(world: World, job: str) -> None:
    await world.execute(
        "WITH gone AS (DELETE FROM ledger.runs WHERE job_id = $1 RETURNING job_id, account_id) "
        "INSERT INTO ledger.taken_up SELECT job_id, account_id FROM gone",
        world.jobs[job],
    )
