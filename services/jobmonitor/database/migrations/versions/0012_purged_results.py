"""The files of expired results are deleted for certain."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_migration_file("0012_purged_results.sql")
