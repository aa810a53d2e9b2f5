"""SQL lives in ``.sql`` files: here they are read and run."""

from importlib.resources import files

from alembic import op


def statements(package: str) -> dict[str, str]:
    """The named statements of a package's ``.sql`` files, ``{file name without .sql: text}``; one statement a file."""
    folder = files(package)
    return {
        entry.name.removesuffix(".sql"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    }


def run_migration_file(name: str) -> None:
    """Run a whole file of the migrations' ``sql`` folder, statement for statement, in the migration's transaction."""
    text = (files("jobmonitor.database") / "migrations" / "sql" / name).read_text(encoding="utf-8")
    op.get_bind().connection.run_async(lambda driver: driver.execute(text))
