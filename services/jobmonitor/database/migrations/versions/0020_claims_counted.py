"""Claims are counted, skipped messages noted, and nothing stored is infinite."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_migration_file("0020_claims_counted.sql")
