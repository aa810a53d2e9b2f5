"""Makes the broker's topics those of the catalogue, and tells where they differ. The broker creates none by itself."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from jobmonitor.contract.topics import Topic
from jobmonitor.runtime.kafka_client import client_options
from jobmonitor.runtime.settings import KafkaSettings

PARTITIONS = "partitions"
SHOWN_AFTER_TRIES, SHOWN_AFTER_S = 20, 0.1
"""A topic that was just created is not shown at once."""
_SET_ON_TOPIC = 1
"""How the broker marks a setting that was given to the topic itself."""


class Difference(NamedTuple):
    """One thing in which a topic of the broker is not as the catalogue says."""

    topic: str
    setting: str
    """``partitions``, or the broker's name of the setting."""
    found: str
    """Empty where the topic is missing altogether."""
    wanted: str

    def __str__(self) -> str:
        if not self.found:
            return f"Topic {self.topic} is missing."
        return f"Topic {self.topic} has {self.setting} {self.found}, the catalogue wants {self.wanted}."


class TopicsDiffer(Exception):
    """Topics exist that are not as the catalogue says; the message names every difference."""

    def __init__(self, differences: Sequence[Difference]) -> None:
        said = [str(difference) for difference in differences]
        if any(difference.setting == PARTITIONS for difference in differences):
            said.append("Jobs would lose their order if partitions were changed under them: drain the topic first.")
        super().__init__(" ".join(said))
        self.differences = tuple(differences)


def topic_settings(topic: Topic) -> dict[str, str]:
    """The catalogue's settings of a topic, under the broker's names."""
    return {
        "cleanup.policy": topic.cleanup_policy,
        "retention.ms": str(topic.retention_ms),
        "retention.bytes": "-1",
        "max.message.bytes": str(topic.max_message_bytes),
    }


async def find_differences(kafka: KafkaSettings, wanted: Collection[Topic]) -> list[Difference]:
    """Where the broker's topics are not as the catalogue says, missing ones included. Raises KafkaError."""
    async with _admin(kafka) as admin:
        found = await _found(admin, wanted)
    missing = [
        Difference(topic.name, PARTITIONS, "", str(topic.partitions)) for topic in wanted if topic.name not in found
    ]
    return [*missing, *_differences(wanted, found)]


async def compacted_topics(kafka: KafkaSettings, names: Iterable[str]) -> list[str]:
    """Those of these topics that do not keep every message until it is old. Raises KafkaError."""
    async with _admin(kafka) as admin:
        found = await _settings(admin, sorted(names))
    return [name for name, settings in found.items() if "compact" in settings.get("cleanup.policy", "")]


async def create_topics(
    kafka: KafkaSettings, wanted: Collection[Topic], *, replication_factor: int = 1, alter: bool = False
) -> list[str]:
    """Create those that are missing, each with its final number of partitions; returns their names. Repeatable.

    With ``alter`` those that are there get the catalogue's settings; their partitions are never changed. Raises
    KafkaError: the broker is away or refuses; TopicsDiffer: a topic is there with others, and nothing was done.
    """
    async with _admin(kafka) as admin:
        found = await _found(admin, wanted)
        differences = _differences(wanted, found)
        if unalterable := [each for each in differences if not alter or each.setting == PARTITIONS]:
            raise TopicsDiffer(unalterable)
        for name in {each.topic for each in differences}:
            await _alter(admin, next(topic for topic in wanted if topic.name == name))
        missing = [topic for topic in wanted if topic.name not in found]
        created = await _create(admin, missing, replication_factor) if missing else []
        await _compare_others(admin, [topic for topic in missing if topic.name not in created])
        return created


async def _compare_others(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> None:
    """Those that somebody else created a moment ago, as soon as the broker shows them. Raises TopicsDiffer."""
    for _ in range(SHOWN_AFTER_TRIES):
        found = await _found(admin, topics)
        if len(found) == len(topics):
            break
        await asyncio.sleep(SHOWN_AFTER_S)
    if differences := _differences(topics, found):
        raise TopicsDiffer(differences)


@asynccontextmanager
async def _admin(kafka: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**client_options(kafka))
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _found(admin: AIOKafkaAdminClient, topics: Collection[Topic]) -> dict[str, dict[str, str]]:
    """Those that are there, with all their settings."""
    there = {topic["topic"]: str(len(topic["partitions"])) for topic in await admin.describe_topics()}
    names = [topic.name for topic in topics if topic.name in there]
    settings = await _settings(admin, names)
    return {name: {PARTITIONS: there[name], **settings.get(name, {})} for name in names}


async def _settings(
    admin: AIOKafkaAdminClient, names: Sequence[str], *, own: bool = False
) -> dict[str, dict[str, str]]:
    """The settings of these topics; with ``own`` those only that were given to the topic itself."""
    if not names:
        return {}
    answers = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name) for name in names])
    found = {}
    for answer in answers:
        for code, message, _, name, entries in answer.resources:
            if code:
                error: type[KafkaError] = for_code(code)
                raise error(f"The settings of topic {name} cannot be read: {message or error.__name__}")
            found[name] = {entry[0]: entry[1] for entry in entries if not own or entry[3] == _SET_ON_TOPIC}
    return found


def _differences(wanted: Iterable[Topic], found: Mapping[str, Mapping[str, Any]]) -> list[Difference]:
    return [
        Difference(topic.name, setting, found[topic.name].get(setting, "unknown"), value)
        for topic in wanted
        if topic.name in found
        for setting, value in {PARTITIONS: str(topic.partitions), **topic_settings(topic)}.items()
        if found[topic.name].get(setting) != value
    ]


async def _alter(admin: AIOKafkaAdminClient, topic: Topic) -> None:
    """The broker forgets whatever is not said, so what operators gave the topic is said again."""
    own = (await _settings(admin, [topic.name], own=True)).get(topic.name, {})
    configs = own | topic_settings(topic)
    for answer in await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, configs)]):
        for code, message, *_ in answer.resources:
            if code:
                error: type[KafkaError] = for_code(code)
                raise error(f"Topic {topic.name} was not altered: {message or error.__name__}")


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
    return NewTopic(topic.name, topic.partitions, replication_factor, topic_configs=topic_settings(topic))
