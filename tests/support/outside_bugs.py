"""Bugs to plant in what is recorded of effects outside. ``BUGS`` has all others too."""

from support.checked_world import World
from support.planted_bugs import breaks
from support.retention_bugs import BUGS

__all__ = ["BUGS"]


@breaks("I36")
async def an_effect_outside_is_recorded_twice(world: World) -> None:
    await world.execute(
        "INSERT INTO probe.outside_units SELECT * FROM probe.outside_units WHERE job_id = $1 AND unit = 1",
        world.jobs["called"],
    )


@breaks("I36")
async def an_effect_outside_is_not_recorded(world: World) -> None:
    await world.execute("DELETE FROM probe.outside_units WHERE job_id = $1 AND unit = 1", world.jobs["called"])


@breaks("I36")
async def what_was_reserved_outside_is_forgotten(world: World) -> None:
    await world.execute(
        """UPDATE ledger.chunks SET reserved = '[{"type": "effect", "data": 1}]' WHERE job_id = $1 AND chunk = 1""",
        world.jobs["called"],
    )
