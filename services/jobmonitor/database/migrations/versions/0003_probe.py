"""The effects of probe jobs."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_migration_file("0003_probe.sql")
