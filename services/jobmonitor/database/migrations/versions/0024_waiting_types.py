"""One view says which accounts have jobs that wait, of which type."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    run_migration_file("0024_waiting_types.sql")
