"""The broker's topics become those of the catalogue, and never others, with the real broker."""

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from jobmonitor.contract.topics import DAY_MS, Topic
from jobmonitor.local.kafka import KafkaServer
from jobmonitor.runtime.topic_admin import TopicsDiffer, create_topics
from support.brokers import broker_at


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
    with pytest.raises(TopicsDiffer, match=f"{topic.name} has 3 partitions, the catalogue wants 4"):
        await create_topics(broker_at(kafka.bootstrap), [another, replace(topic, partitions=4)])
    assert await create_topics(broker_at(kafka.bootstrap), [another]) == [another.name]
