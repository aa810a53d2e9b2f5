"""Runs the SQL files of the migrations. Apart from the rest, as Alembic takes each process a second to import."""

from importlib.resources import files

from alembic import op


def run_migration_file(name: str) -> None:
    """Run a whole file of the migrations' ``sql`` folder, statement for statement, in the migration's transaction."""
    text = (files("jobmonitor.database") / "migrations" / "sql" / name).read_text(encoding="utf-8")
    op.get_bind().connection.run_async(lambda driver: driver.execute(text))
