"""The job type User Data Import."""

from jobmonitor.job_types.user_data_import.job_type import UserDataImport

JOB_TYPE = UserDataImport()
