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


async def drop_run(world: World, job: str) -> None:
    await world.execute(
        "WITH gone AS (DELETE FROM ledger.runs WHERE job_id = $1 RETURNING job_id, account_id) "
        "INSERT INTO ledger.taken_up SELECT job_id, account_id FROM gone",
        world.jobs[job],
    )
