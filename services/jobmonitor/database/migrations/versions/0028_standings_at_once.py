"""Who requests name is looked up for all accounts at once."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    run_migration_file("0028_standings_at_once.sql")
