"""The ledger keeps when a stop was asked for."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_migration_file("0014_requests_apart.sql")
