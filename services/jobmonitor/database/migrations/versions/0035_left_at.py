"""Since when units are left for later."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0035"
down_revision = "0034"


def upgrade() -> None:
    run_migration_file("0035_left_at.sql")
