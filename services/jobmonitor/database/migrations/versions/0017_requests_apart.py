"""The ledger keeps when a stop was asked for."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_migration_file("0017_requests_apart.sql")
