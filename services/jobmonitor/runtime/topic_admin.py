"""Makes the broker's topics those of the catalogue. The broker creates none by itself."""

from collections.abc import Iterable

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from jobmonitor.contract.topics import TOPICS, Topic
from jobmonitor.runtime.kafka_client import client_options
from jobmonitor.runtime.settings import KafkaSettings


class TopicsDiffer(Exception):
    """A topic exists with another number of partitions than the catalogue says; the message names it."""


async def create_topics(
    kafka: KafkaSettings, topics: Iterable[Topic] = TOPICS, *, replication_factor: int = 1
) -> list[str]:
    """Create those that are missing, each with its final number of partitions; returns their names. Repeatable.

    Raises KafkaError: the broker is away or refuses; TopicsDiffer: a topic is there with other partitions.
    """
    wanted = list(topics)
    admin = AIOKafkaAdminClient(**client_options(kafka))
    try:
        await admin.start()
        found = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
        _refuse_differences(wanted, found)
        missing = [topic for topic in wanted if topic.name not in found]
        return await _create(admin, missing, replication_factor) if missing else []
    finally:
        await admin.close()


def _refuse_differences(wanted: Iterable[Topic], found: dict[str, int]) -> None:
    for topic in wanted:
        partitions = found.get(topic.name, topic.partitions)
        if partitions != topic.partitions:
            raise TopicsDiffer(
                f"Topic {topic.name} has {partitions} partitions, the catalogue wants {topic.partitions}. "
                "Jobs would lose their order if it were changed under them: drain the topic first."
            )


async def _create(admin: AIOKafkaAdminClient, topics: list[Topic], replication_factor: int) -> list[str]:
    answer = await admin.create_topics([_new_topic(topic, replication_factor) for topic in topics])
    created = []
    for name, code, message in answer.topic_errors:
        error: type[KafkaError] = for_code(code)
        if code == 0:
            created.append(name)
        elif error is not TopicAlreadyExistsError:  # somebody else creates them at the same time: fine
            raise error(f"Topic {name} was not created: {message or error.__name__}")
    return created


def _new_topic(topic: Topic, replication_factor: int) -> NewTopic:
    configs = {"cleanup.policy": "delete", "retention.ms": str(topic.retention_ms)}
    return NewTopic(topic.name, topic.partitions, replication_factor, topic_configs=configs)
