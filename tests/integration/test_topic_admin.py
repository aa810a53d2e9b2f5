"""The broker's topics become those of the catalogue, and never others, with the real broker."""

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from jobmonitor.contract.topics import DAY_MS, MESSAGE_BYTES_MAX, Topic
from jobmonitor.local.kafka import KafkaServer
from jobmonitor.runtime.topic_admin import TopicsDiffer, create_topics, find_differences
from support.brokers import broker_at
from support.waiting import until


def _topic(partitions: int = 3, retention_ms: int = 7 * DAY_MS) -> Topic:
    name = f"test-{uuid4().hex}"
    return Topic(name, "For a test.", "job id", partitions=partitions, retention_ms=retention_ms, event_types=())


async def _described(bootstrap: str, name: str) -> tuple[int, dict[str, str]]:
    """How many partitions the topic has, and its settings."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        topics = {topic["topic"]: topic for topic in await admin.describe_topics()}
        [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        return len(topics[name]["partitions"]), {entry[0]: entry[1] for entry in answer.resources[0][4]}
    finally:
        await admin.close()


async def test_missing_topics_are_created_with_their_final_partitions_and_retention(kafka: KafkaServer) -> None:
    kept, passing = _topic(partitions=3, retention_ms=-1), _topic(partitions=5)
    assert await create_topics(broker_at(kafka.bootstrap), [kept, passing]) == [kept.name, passing.name]
    for topic in (kept, passing):
        partitions, settings = await _described(kafka.bootstrap, topic.name)
        assert partitions == topic.partitions
        assert settings["retention.ms"] == str(topic.retention_ms)
        assert settings["cleanup.policy"] == "delete"
        assert settings["max.message.bytes"] == str(MESSAGE_BYTES_MAX)
        assert settings["retention.bytes"] == "-1"


async def test_creating_them_again_changes_nothing(kafka: KafkaServer) -> None:
    topic, another = _topic(), _topic()
    await create_topics(broker_at(kafka.bootstrap), [topic])
    assert await create_topics(broker_at(kafka.bootstrap), [topic, another]) == [another.name]
    assert await create_topics(broker_at(kafka.bootstrap), [topic, another]) == []


async def test_many_may_create_them_at_once(kafka: KafkaServer) -> None:
    topic = _topic()
    created = await asyncio.gather(*(create_topics(broker_at(kafka.bootstrap), [topic]) for _ in range(5)))
    assert [name for names in created for name in names] == [topic.name]


async def test_a_topic_with_other_partitions_is_refused_and_nothing_is_created(kafka: KafkaServer) -> None:
    topic, another = _topic(partitions=3), _topic()
    await create_topics(broker_at(kafka.bootstrap), [topic])
    with pytest.raises(TopicsDiffer, match=f"{topic.name} has partitions 3, the catalogue wants 4.*drain"):
        await create_topics(broker_at(kafka.bootstrap), [another, replace(topic, partitions=4)], alter=True)
    assert await create_topics(broker_at(kafka.bootstrap), [another]) == [another.name]


def _made_before(topic: Topic) -> Topic:
    """As somebody made it by hand, with what a broker keeps for a week and compacts."""
    return replace(topic, retention_ms=7 * DAY_MS, cleanup_policy="compact", max_message_bytes=2_000_000)


async def test_whatever_differs_is_told_in_words_and_nothing_is_done(kafka: KafkaServer) -> None:
    topic, missing = _topic(retention_ms=-1), _topic()
    await create_topics(broker_at(kafka.bootstrap), [_made_before(topic)])
    with pytest.raises(TopicsDiffer) as refusal:
        await create_topics(broker_at(kafka.bootstrap), [topic, missing])
    assert str(refusal.value).split(". ") == [
        f"Topic {topic.name} has cleanup.policy compact, the catalogue wants delete",
        f"Topic {topic.name} has retention.ms 604800000, the catalogue wants -1",
        f"Topic {topic.name} has max.message.bytes 2000000, the catalogue wants 1048576.",
    ]
    differences = await find_differences(broker_at(kafka.bootstrap), [topic, missing])
    assert [each.setting for each in differences] == [
        "partitions", "cleanup.policy", "retention.ms", "max.message.bytes",
    ]  # fmt: skip
    assert str(differences[0]) == f"Topic {missing.name} is missing."


async def test_on_request_they_get_the_catalogues_settings_and_keep_their_other_ones(kafka: KafkaServer) -> None:
    topic = _topic(retention_ms=-1)
    await create_topics(broker_at(kafka.bootstrap), [_made_before(topic)])
    await _set(kafka.bootstrap, topic.name, {"min.insync.replicas": "1", "segment.ms": "1234567"})

    async def is_set() -> bool:
        _, settings = await _described(kafka.bootstrap, topic.name)
        return settings["segment.ms"] == "1234567"

    async def are_the_same() -> bool:
        return await find_differences(broker_at(kafka.bootstrap), [topic]) == []

    await until(is_set)  # the broker shows a change a moment later
    assert await create_topics(broker_at(kafka.bootstrap), [topic], alter=True) == []
    await until(are_the_same)
    assert await is_set()


async def _set(bootstrap: str, name: str, configs: dict[str, str]) -> None:
    """Give the topic further settings."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        own = {entry[0]: entry[1] for entry in answer.resources[0][4] if entry[3] == 1}
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, own | configs)])
    finally:
        await admin.close()


def test_the_command_tells_every_difference_and_ends_with_one(broker: str) -> None:
    """The broker of the tests has four partitions of everything."""
    command = [sys.executable, "-m", "jobmonitor.cli", "topics", "--create", "--with-probe", "--kafka", broker]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": "services"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Topic work.probe has partitions 4, the catalogue wants 8." in done.stderr
    assert "Topic jobs.probe has retention.ms 604800000, the catalogue wants -1." in done.stderr
