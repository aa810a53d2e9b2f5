"""Whether a file is what its name says."""

ZIP_MAGIC = b"PK\x03\x04"


def contradiction(ending: str, content: bytes) -> str | None:
    """Why a file with this ending cannot have this content; None where nothing speaks against it."""
    is_archive = content.startswith(ZIP_MAGIC)
    if ending == "xlsx" and content and not is_archive:
        return "This is not an Excel workbook."
    if ending == "csv" and is_archive:
        return "This is not a CSV file but a workbook or an archive."
    return None
