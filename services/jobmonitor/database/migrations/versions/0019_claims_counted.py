"""Claims are counted, skipped messages noted, and nothing stored is infinite."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_migration_file("0019_claims_counted.sql")
