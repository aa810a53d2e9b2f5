"""The reconciler finds by an index what it looks for again and again."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_migration_file("0014_reconciler_indexes.sql")
