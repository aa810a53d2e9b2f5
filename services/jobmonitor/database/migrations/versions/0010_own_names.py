"""A name is found as fast among thousands of other people's jobs of that name."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_migration_file("0010_own_names.sql")
