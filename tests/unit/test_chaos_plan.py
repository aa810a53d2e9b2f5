"""The chaos run's plan: the same seed, the same run; enough of everything; nothing that outlasts it."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chaos.plan import INSTANCES, LEASE_S, PRODUCERS_ACCOUNTS, USERS_ACCOUNTS, Plan, make_plan
from chaos.shapes import BY_NAME, OUTSIDE_PROBE, PROBE, UNSERVED
from chaos.watch import PARTITIONS, partition_keys
from jobmonitor.job_types.outside_probe.job_type import OutsideProbeParameters
from jobmonitor.job_types.parameters import BadParameters, read_parameters
from jobmonitor.job_types.probe.job_type import ProbeParameters
from jobmonitor.processor.settings import ProcessorSettings

SEEDS = st.integers(0, 2**32)
LENGTHS = st.sampled_from([60, 90, 180, 600, 1800])
few = settings(max_examples=20)
"""A plan of half an hour takes a while to make."""


@few
@given(SEEDS, LENGTHS)
def test_a_seed_replays(seed: int, seconds: int) -> None:
    assert str(make_plan(seed, seconds)) == str(make_plan(seed, seconds))
    assert make_plan(seed, seconds).jobs[-1].parameters == make_plan(seed, seconds).jobs[-1].parameters


def test_seeds_differ() -> None:
    assert str(make_plan(1, 180)) != str(make_plan(2, 180))


def counts(plan: Plan) -> Counter[tuple[str, str]]:
    return Counter((fault.what, fault.service) for fault in plan.faults)


@few
@given(SEEDS)
def test_the_long_run_kills_each_service_more_than_20_times(seed: int) -> None:
    found = counts(make_plan(seed, 1800))
    assert all(found["kill", service] > 20 for service in INSTANCES)
    assert found["stop", "kafka"] == found["stop", "outside"] == 3
    assert found["shut down", "postgres"] == 6
    assert found["pause", "processor"] == found["remove", "processor"] == 10


@few
@given(SEEDS)
def test_the_short_run_has_each_fault(seed: int) -> None:
    found = counts(make_plan(seed, 90))
    assert all(found["kill", service] >= 2 for service in INSTANCES)
    assert min(found["stop", "kafka"], found["shut down", "postgres"], found["pause", "processor"]) == 1
    assert found["remove", "processor"] == found["stop", "outside"] == 1


@few
@given(SEEDS, LENGTHS)
def test_each_shape_comes_and_nothing_outlasts_the_run(seed: int, seconds: int) -> None:
    plan = make_plan(seed, seconds)
    assert {job.shape.name for job in plan.jobs} == set(BY_NAME) - {"recovery"}
    assert all(0 <= job.at_s <= seconds + 1 for job in plan.jobs)
    assert all(fault.at_s >= 0 and fault.ends_s <= seconds + 1 for fault in plan.faults)
    assert len({plan.job_id(job) for job in plan.jobs}) == len(plan.jobs)


@few
@given(SEEDS, LENGTHS)
def test_who_is_paused_stays_so_past_its_lease_and_is_not_killed_meanwhile(seed: int, seconds: int) -> None:
    assert ProcessorSettings(database_url="", object_store_url="").lease_s == LEASE_S
    faults = make_plan(seed, seconds).faults
    for pause in (fault for fault in faults if fault.what == "pause"):
        assert pause.lasts_s > LEASE_S
        killed = {fault.target for fault in faults if fault.what == "kill" and pause.at_s < fault.at_s < pause.ends_s}
        assert pause.target not in killed


@few
@given(SEEDS)
def test_the_parameters_are_what_the_shape_says(seed: int) -> None:
    for job in make_plan(seed, 60).jobs:
        assert job.account_id in (USERS_ACCOUNTS if job.way == "gateway" else PRODUCERS_ACCOUNTS)
        if job.shape.failure_code in ("bad_parameters", "text_too_long", "too_many_names"):
            with pytest.raises(BadParameters):
                read_parameters(ProbeParameters, dict(job.parameters))
            assert job.way == "kafka"
        elif job.shape is UNSERVED:
            assert job.way == "kafka"
        elif job.shape.job_type == PROBE:
            read_parameters(ProbeParameters, dict(job.parameters))
        elif job.shape.job_type == OUTSIDE_PROBE:
            read_parameters(OutsideProbeParameters, dict(job.parameters))
            assert job.way == "kafka"
        else:
            assert job.way == "gateway"
            assert job.shape.sample is not None
            assert bool(job.file_rows) == (job.shape.sample.file is not None)


def test_what_takes_long_takes_longer_than_a_lease_in_the_short_run_too() -> None:
    for seconds, most_s in ((90, 15), (1800, 90)):
        taken_s = {name: job.parameters[name] for job in make_plan(42, seconds).jobs for name in job.shape.long_s}
        assert set(taken_s) == {"assemble_s", "plan_s"}
        assert all(LEASE_S < each_s <= most_s for each_s in taken_s.values())


def test_many_of_a_type_nobody_serves_come_early_and_at_once() -> None:
    """The check tells of a submission after a minute: there has to be one left."""
    for seconds, jobs in ((90, 90), (1800, 500)):
        unserved = [job.at_s for job in make_plan(42, seconds).jobs if job.shape is UNSERVED]
        assert len(unserved) == jobs
        assert max(unserved) - min(unserved) == 0
        assert max(unserved) < seconds / 6


def test_recovery_is_measured_in_every_partition() -> None:
    keys = partition_keys(lambda attempt: f"key-{attempt}")
    assert len(set(keys)) == PARTITIONS
