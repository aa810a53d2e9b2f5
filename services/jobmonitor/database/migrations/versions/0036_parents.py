"""A job knows its parent."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    run_migration_file("0036_parents.sql")
