"""Uploads, saved import formats, and what became of each row of an import."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_migration_file("0004_imports.sql")
