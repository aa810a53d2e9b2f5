"""The projection may tell of deleted messages; without this right it ended instead, again and again."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    run_migration_file("0023_skipped_again.sql")
