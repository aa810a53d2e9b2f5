"""Effects outside the database, and units left for later."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    run_migration_file("0032_outside_effects.sql")
