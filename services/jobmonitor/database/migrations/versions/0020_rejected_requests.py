"""Requests about a job that are rejected, and stops that come before their job."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_migration_file("0020_rejected_requests.sql")
