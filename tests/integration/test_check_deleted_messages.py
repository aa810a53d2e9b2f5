"""``jobmonitor check`` where the broker has deleted the beginning of topics, as their retention says or against it."""

from pathlib import Path

from jobmonitor.contract.topics import jobs_topic, requests_topic, view_topics
from jobmonitor.local.kafka import KafkaServer
from support.checked_world import JOB_TYPES, World, Worlds, project, told
from support.job_events import ordinary_life
from support.planted_bugs import a_run_changes_its_owner, a_view_says_something_else
from support.projecting import delete_messages, ends_of
from support.servers import Postgres

REQUESTS = [requests_topic(slug) for slug in JOB_TYPES]


async def test_messages_deleted_before_they_were_folded_are_found_where_the_topic_lacks_its_beginning(
    worlds: Worlds, own_kafka: KafkaServer, postgres: Postgres, tmp_path: Path
) -> None:
    async with worlds.copy_of(postgres, tmp_path, calm=True) as world:
        await world.publish(event for _ in range(4) for event in ordinary_life(world.elsewhere()))
        requests, facts = view_topics(world.topic_type)
        await delete_messages(own_kafka.bootstrap, await ends_of(own_kafka.bootstrap, requests))
        await project(world.database, own_kafka, world.topic_type)
        report = await world.check(calm=True)
        assert report.violated == ("I27",), told(report)
        assert f"topic {requests}, partition" in told(report)
        assert "deleted before they were folded" in told(report)
        assert facts not in told(report)


async def test_requests_older_than_their_retention_are_not_missed_and_facts_are(
    worlds: Worlds, own_kafka: KafkaServer
) -> None:
    """First half of the requests go, then all; then the facts of one type too, which should be kept for ever."""
    ends = await ends_of(own_kafka.bootstrap, *REQUESTS)
    for before in ({place: end // 2 + 1 for place, end in ends.items()}, ends):
        await delete_messages(own_kafka.bootstrap, before)
        for world, calm in ((worlds.busy, False), (worlds.calm, True)):
            report = await world.check(calm=calm)
            assert report.holds, told(report)
            assert report.jobs >= len(world.jobs) - 1  # one is not known but for its stop

    await a_view_says_something_else(worlds.calm)
    assert (await worlds.calm.check(calm=True)).violated == ("I27",)
    await delete_messages(own_kafka.bootstrap, await ends_of(own_kafka.bootstrap, jobs_topic("probe")))
    report = await worlds.calm.check(calm=True)
    assert report.violated == ("I39",), told(report)
    assert "topic jobs.probe, partition" in told(report)
    await _change_the_imports_owner(worlds.calm)
    assert (await worlds.calm.check(calm=True)).violated == ("I4", "I39")


async def _change_the_imports_owner(world: World) -> None:
    """A bug in a job whose facts are all there."""
    jobs = world.jobs
    world.jobs = jobs | {"small": jobs["imported"]}
    await a_run_changes_its_owner(world)
    world.jobs = jobs
