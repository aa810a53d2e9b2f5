"""Accounts that share the workers; an outbox row for a transaction."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_migration_file("0005_engine.sql")
