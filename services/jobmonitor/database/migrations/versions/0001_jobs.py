"""Ledger, projection, registry and the gateway's tables."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_migration_file("0001_jobs.sql")
