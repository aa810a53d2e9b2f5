"""What is in an upload is kept with it; who may use one is asked of the same rule everywhere."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_migration_file("0015_uploads.sql")
