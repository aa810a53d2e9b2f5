"""Files are uploaded for a job type."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    run_migration_file("0027_upload_types.sql")
