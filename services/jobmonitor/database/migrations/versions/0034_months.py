"""Timelines and row outcomes lie in partitions by month, and old months go."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    run_migration_file("0034_months.sql")
