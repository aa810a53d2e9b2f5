"""The capacities of job types: one table, as the types and one setting say."""

import re

import pytest

from jobmonitor.contract.topics import PARTITIONS, catalogue
from jobmonitor.job_types.capacity import Row, table, with_capacity
from jobmonitor.job_types.probe.job_type import Probe
from jobmonitor.job_types.registry import UnknownJobType, built_in, job_type
from jobmonitor.runtime.capacity import NAMES
from jobmonitor.runtime.settings import KafkaSettings, SettingsError
from support.documents import ROOT


def settings(text: str) -> KafkaSettings:
    return KafkaSettings(job_type_capacity=text)


def test_the_documented_table_is_that_of_the_built_in_types() -> None:
    told = (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z-]+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| ([a-z]+) \|$", told, re.MULTILINE)
    assert [(row[0], *map(int, row[1:5]), row[5]) for row in rows] == [*table(built_in(), settings(""))]
    assert all(f"- `{name}`: " in told for name in NAMES)


def test_a_setting_changes_what_it_names_and_every_other_type_by_a_star() -> None:
    changed = settings("probe.slots=2, probe.chunks_in_flight=100,*.tries=3,*.slots=5,probe.partitions=12")
    (probe,) = table([Probe()], changed)
    assert probe == Row("probe", slots=2, tries=3, partitions=12, chunks_in_flight=100, workers="light")
    assert all((row.slots, row.tries, row.partitions) == (5, 3, PARTITIONS) for row in table(built_in(), changed))


def test_the_worker_serves_the_type_as_it_was_changed_and_the_type_stays_as_it_was() -> None:
    probe = job_type("probe")
    served = with_capacity(probe, settings("probe.slots=2,probe.tries=9,probe.chunks_in_flight=7"))
    assert (served.capacity.slots, served.capacity.chunks_in_flight, served.retries.tries_max) == (2, 7, 9)
    assert served.retries.pause_max_s == probe.retries.pause_max_s
    assert (probe.capacity.slots, probe.retries.tries_max) == (8, 5)


def test_topics_have_the_partitions_of_the_setting() -> None:
    topics = catalogue(["probe", "words"], settings("probe.partitions=6,*.partitions=2").partitions())
    partitions = {topic.name: topic.partitions for topic in topics}
    assert [partitions[name] for name in ("requests.probe", "jobs.probe", "work.probe")] == [6, 6, 12]
    assert [partitions[name] for name in ("requests.words", "jobs.words", "work.words")] == [2, 2, 4]
    assert partitions["dead-letters"] == 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("probe", "'probe' is not written as type.name=number, for instance email-campaign.slots=2"),
        ("probe.slots", "'probe.slots' is not written as"),
        ("probe.slot=2", "in 'probe.slot=2' there is no 'slot'; known are slots, tries, partitions, chunks_in_flight"),
        ("probe.slots=0", "in 'probe.slots=0' the number has to be a whole one from 1 to 1,000"),
        ("probe.slots=many", "in 'probe.slots=many' the number has to be"),
        ("probe.slots=2,probe.slots=3", "probe.slots is there twice"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line_that_names_it(text: str, why: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(f"JOBMONITOR_JOB_TYPE_CAPACITY cannot be read: {why}")) as failed:
        settings(text)
    assert "\n" not in str(failed.value)


def test_a_type_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownJobType, match="There is no job type 'prob'"):
        with_capacity(Probe(), settings("prob.slots=2"))
