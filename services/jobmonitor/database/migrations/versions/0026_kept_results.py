"""What the results of an account take of the object store can be asked for."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    run_migration_file("0026_kept_results.sql")
