"""The job type of tests, chaos runs and measurements."""

from jobmonitor.job_types.probe.job_type import Probe

JOB_TYPE = Probe()
