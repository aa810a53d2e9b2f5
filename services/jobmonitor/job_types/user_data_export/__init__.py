"""The job type User Data Export."""

from jobmonitor.job_types.user_data_export.job_type import UserDataExport

JOB_TYPE = UserDataExport()
