"""Runs go after a while, their ids never."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    run_migration_file("0029_taken_up.sql")
