"""Lists cost the same however many jobs there are."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_migration_file("0009_read_path.sql")
