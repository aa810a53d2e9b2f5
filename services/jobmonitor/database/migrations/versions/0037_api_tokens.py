"""Private tokens of users."""

from jobmonitor.database.migration_files import run_migration_file

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    run_migration_file("0037_api_tokens.sql")
