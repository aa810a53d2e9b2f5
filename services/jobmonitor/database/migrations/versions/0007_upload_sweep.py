"""Who may throw uploads away, and which are still needed."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_migration_file("0007_upload_sweep.sql")
