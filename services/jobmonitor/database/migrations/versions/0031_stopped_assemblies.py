"""A stopped job is assembled, for a while."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    run_migration_file("0031_stopped_assemblies.sql")
