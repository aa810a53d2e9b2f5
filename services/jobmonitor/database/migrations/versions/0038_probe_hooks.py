"""Outside probes leave a trace when their jobs begin and end."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0038"
down_revision = "0037"


def upgrade() -> None:
    run_migration_file("0038_probe_hooks.sql")
