"""The history in partitions, one for each month."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_migration_file("0006_history_months.sql")
