"""SQL lives in ``.sql`` files: here they are read."""

from importlib.resources import files


def statements(package: str) -> dict[str, str]:
    """The named statements of a package's ``.sql`` files, ``{file name without .sql: text}``; one statement a file."""
    folder = files(package)
    return {
        entry.name.removesuffix(".sql"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    }
