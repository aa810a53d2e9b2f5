"""Requests under way when a worker was killed are known to the next one."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    run_migration_file("0025_begun_requests.sql")
