"""A few hundred damaged golden messages on the projection's topics while honest jobs go on. ``make chaos`` has more."""

import asyncio
from itertools import islice
from pathlib import Path
from typing import Any

from chaos.mutations import Mutated, mutated
from jobmonitor.contract.envelope import Event
from jobmonitor.projection.metrics import EVENTS, PUT_ASIDE
from support.job_events import ordinary_life
from support.projecting import Views
from support.raw_batches import GZIP, LZ4, SNAPPY, ZSTD, batch_of, send_batch

MESSAGES = 400
SEED = 7
GOLDENS = sorted(Path("schemas/examples").glob("*.json"))


def _count(metric: Any, **labels: str) -> float:
    samples = [sample for family in metric.collect() for sample in family.samples if sample.name.endswith("_total")]
    return float(sum(sample.value for sample in samples if labels.items() <= sample.labels.items()))


async def test_damaged_messages_are_dead_letters_or_jobs_and_stop_nobody(views: Views) -> None:
    topics = [(views.topic, 4), (views.requests, 4)]
    goldens = [path.read_bytes().replace(b"user-data-export", views.job_type.encode()) for path in GOLDENS]
    honest = [ordinary_life(views.job()) for _ in range(20)]
    messages = list(islice(mutated(goldens, topics, SEED), MESSAGES))
    undecodable, put_aside = _count(EVENTS, outcome="undecodable"), _count(PUT_ASIDE)
    inapplicable = _count(EVENTS, outcome="inapplicable")

    async with views.projecting() as projector:
        await asyncio.gather(_send(views, messages), _publish(views, honest))
        await views.folded_to_the_end()
        assert projector.joined

    rows = await views.fetch("SELECT job_id, state FROM projection.job_history")
    states = {row["job_id"]: row["state"] for row in rows}
    assert [states.get(life[0].job_id) for life in honest] == ["completed"] * 20
    assert _count(PUT_ASIDE) == put_aside, "a message made the folding fail that should have been refused"
    refused = (
        _count(EVENTS, outcome="undecodable") - undecodable + _count(EVENTS, outcome="inapplicable") - inapplicable
    )
    letters = await views.dead_letters()
    assert len({letter["position"] for letter in letters}) == refused
    assert 0.3 * MESSAGES < refused <= MESSAGES


async def _publish(views: Views, lives: list[list[Event]]) -> None:
    for life in lives:
        await views.publish(life)


async def _send(views: Views, messages: list[Mutated]) -> None:
    """Neighbours of a partition in one batch, compressed in any way where their headers allow."""
    for topic, partition in sorted({(each.topic, each.partition) for each in messages}):
        mine = [each.message for each in messages if (each.topic, each.partition) == (topic, partition)]
        for number, start in enumerate(range(0, len(mine), 10)):
            some = mine[start : start + 10]
            plain = any(name == b"\xc3\x28" for message in some for name, _ in message.headers)
            codec = 0 if plain else [0, GZIP, SNAPPY, LZ4, ZSTD][number % 5]
            for batch in _small_enough(some, codec):
                await send_batch(views.bootstrap, topic, partition, batch)


def _small_enough(messages: list[Any], codec: int) -> list[bytes]:
    """The broker takes a megabyte."""
    batch = batch_of(messages, codec=codec)
    if len(batch) < 1_000_000 or len(messages) == 1:
        return [batch]
    middle = len(messages) // 2
    return [*_small_enough(messages[:middle], codec), *_small_enough(messages[middle:], codec)]
