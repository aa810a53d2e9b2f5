"""Requests about a job that are rejected, and stops that come before their job."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_migration_file("0021_rejected_requests.sql")
