"""Workers ask who a request names."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_migration_file("0019_standings.sql")
