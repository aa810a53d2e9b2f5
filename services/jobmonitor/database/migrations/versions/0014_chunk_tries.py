"""An outage uses up no try, and a waiting chunk is hinted at growing pauses."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_migration_file("0014_chunk_tries.sql")
