"""Supporters are found by their address without reading all of them."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    run_migration_file("0008_email_keys.sql")
