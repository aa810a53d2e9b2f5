"""The reconciler finds by an index what it looks for again and again."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_migration_file("0016_reconciler_indexes.sql")
