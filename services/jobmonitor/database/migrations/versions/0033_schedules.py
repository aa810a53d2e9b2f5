"""Schedules, and the system user to whom their jobs may belong."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    run_migration_file("0033_schedules.sql")
