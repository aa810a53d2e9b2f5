"""What a job waits for is kept and shown."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    run_migration_file("0030_waits_for.sql")
