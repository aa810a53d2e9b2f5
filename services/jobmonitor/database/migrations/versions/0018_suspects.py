"""A request that keeps ending its worker is put aside."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_migration_file("0018_suspects.sql")
