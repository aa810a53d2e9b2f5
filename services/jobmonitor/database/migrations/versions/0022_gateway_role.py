"""The gateway's role gets functions instead of tables; a changed password ends its user's sessions."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run_migration_file("0022_gateway_role.sql")
