"""A message that cannot be sent holds up no other."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_migration_file("0013_outbox_attempts.sql")
