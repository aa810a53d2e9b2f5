"""Messages the broker deleted before the projection read them: it goes on with what there is, and says so loudly."""

from structlog.testing import capture_logs

from jobmonitor.projection.metrics import SKIPPED
from support.projecting import Views, delete_messages, ends_of

Places = dict[tuple[str, int], int]


async def noted(views: Views) -> dict[tuple[str, int], tuple[int, int]]:
    rows = await views.fetch("SELECT topic, partition, first_offset, next_offset FROM registry.skipped_messages")
    return {(row["topic"], row["partition"]): (row["first_offset"], row["next_offset"]) for row in rows}


async def test_what_was_deleted_unread_is_logged_counted_and_noted_once_and_the_rest_is_folded(views: Views) -> None:
    async with views.projecting():
        await views.publish(views.lives(12))
        await views.folded_to_the_end()
    folded = await ends_of(views.bootstrap, *views.settings.topics())
    await views.publish(views.lives(12))
    gone = await ends_of(views.bootstrap, *views.settings.topics())
    await delete_messages(views.bootstrap, gone)
    kept = views.lives(12)
    await views.publish(kept)
    expected = {place: (folded.get(place, 0), end) for place, end in gone.items() if end > folded.get(place, 0)}
    assert expected

    with capture_logs() as logs:
        async with views.projecting():
            await views.folded_to_the_end()

    told = [line for line in logs if line["event"] == "messages_skipped"]
    assert {
        (line["topic"], line["partition"]): (line["first_offset"], line["next_offset"]) for line in told
    } == expected
    assert all(line["log_level"] == "error" and "retention" in line["reason"] for line in told)
    assert await noted(views) == expected
    for topic in views.settings.topics():
        count = sum(behind - first for (name, _), (first, behind) in expected.items() if name == topic)
        assert SKIPPED.labels(topic)._value.get() == count
    for job_id in {event.job_id for event in kept}:
        assert (await views.row(job_id) or {})["state"] == "completed"


async def test_a_partition_of_which_nothing_is_left_is_told_once_and_counts_as_folded(views: Views) -> None:
    await views.publish(views.lives(12))
    await delete_messages(views.bootstrap, await ends_of(views.bootstrap, *views.settings.topics()))
    for times in (1, 0):
        with capture_logs() as logs:
            async with views.projecting():
                await views.folded_to_the_end()
        told = {(line["topic"], line["partition"]) for line in logs if line["event"] == "messages_skipped"}
        assert bool(told) == bool(times), told
    assert await noted(views)


async def test_more_deleted_before_the_place_was_kept_widens_what_is_noted(views: Views) -> None:
    """Whoever ended between telling and folding left the place; the next one tells it again, further."""
    await views.publish(views.lives(12))
    await delete_messages(views.bootstrap, await ends_of(views.bootstrap, *views.settings.topics()))
    async with views.projecting():
        await views.folded_to_the_end()
    first = await noted(views)
    await views.fetch("UPDATE projection.offsets SET next_offset = 0")
    await views.publish(views.lives(12))
    gone = await ends_of(views.bootstrap, *views.settings.topics())
    await delete_messages(views.bootstrap, gone)
    async with views.projecting():
        await views.folded_to_the_end()
    assert set(first) <= set(await noted(views))
    assert await noted(views) == {place: (0, end) for place, end in (await offsets(views)).items() if end}


async def offsets(views: Views) -> Places:
    rows = await views.fetch("SELECT topic, partition, next_offset FROM projection.offsets")
    return {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
