"""The CRM: accounts, users, supporters and what they did."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_migration_file("0002_crm.sql")
