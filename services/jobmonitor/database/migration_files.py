"""Runs the SQL files of the migrations. A module of its own, as importing Alembic takes a second."""

from importlib.resources import files

from alembic import op


def run_migration_file(name: str) -> None:
    """Run a whole file of the migrations' ``sql`` folder, statement for statement, in the migration's transaction."""
    text = (files("jobmonitor.database") / "migrations" / "sql" / name).read_text(encoding="utf-8")
    op.get_bind().connection.run_async(lambda driver: driver.execute(text))
