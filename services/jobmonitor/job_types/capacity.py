"""The capacities of job types: what each says of itself, as an operator's setting changes it."""

import copy
import dataclasses
from collections.abc import Iterable
from typing import Any, NamedTuple

from jobmonitor.contract.topics import PARTITIONS
from jobmonitor.job_types.protocol import JobType
from jobmonitor.job_types.registry import UnknownJobType, slugs
from jobmonitor.runtime.settings import KafkaSettings


class Row(NamedTuple):
    """One job type's row of the table."""

    job_type: str
    slots: int
    tries: int
    partitions: int
    chunks_in_flight: int
    workers: str


def with_capacity(job_type: JobType[Any], kafka: KafkaSettings) -> JobType[Any]:
    """The type as the setting changes it; the type itself stays as it is. Raises UnknownJobType: a name in it."""
    check_names(kafka)
    changes = kafka.capacity_changes.of(job_type.slug)
    changed = copy.copy(job_type)
    if "tries" in changes:
        changed.retries = dataclasses.replace(job_type.retries, tries_max=changes["tries"])
    capacity = job_type.capacity
    changed.capacity = dataclasses.replace(
        capacity,
        slots=changes.get("slots", capacity.slots),
        chunks_in_flight=changes.get("chunks_in_flight", capacity.chunks_in_flight),
    )
    return changed


def check_names(kafka: KafkaSettings) -> None:
    """Raises UnknownJobType: the setting names a type that is not installed."""
    for unknown in sorted(kafka.capacity_changes.named() - {*slugs(with_probe=True)}):
        raise UnknownJobType(unknown)


def table(job_types: Iterable[JobType[Any]], kafka: KafkaSettings) -> list[Row]:
    """The capacities of these types. Raises UnknownJobType."""
    partitions = kafka.partitions()
    return [
        Row(
            each.slug,
            each.capacity.slots,
            each.retries.tries_max,
            partitions.get(each.slug, partitions.get("*", PARTITIONS)),
            1 if each.in_order else each.capacity.chunks_in_flight,
            each.capacity.workers,
        )
        for each in (with_capacity(job_type, kafka) for job_type in job_types)
    ]
