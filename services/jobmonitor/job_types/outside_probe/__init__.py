"""The job type with effects outside of tests, chaos runs and measurements."""

from jobmonitor.job_types.outside_probe.job_type import OutsideProbe

JOB_TYPE = OutsideProbe()
