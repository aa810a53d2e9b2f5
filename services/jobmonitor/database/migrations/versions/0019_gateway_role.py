"""The gateway's role gets functions instead of tables; a changed password ends its user's sessions."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_migration_file("0019_gateway_role.sql")
