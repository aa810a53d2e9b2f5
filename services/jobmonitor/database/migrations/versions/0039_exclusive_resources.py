"""A job may need several exclusive resources."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0039"
down_revision = "0038"


def upgrade() -> None:
    run_migration_file("0039_exclusive_resources.sql")
