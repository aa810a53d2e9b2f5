"""Points of progress are told in columns."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_migration_file("0011_progress_points.sql")
