"""Whether a file is what its name says."""

from jobmonitor.job_types.files.tables import is_workbook


def contradiction(ending: str, content: bytes) -> str | None:
    """Why a file with this ending cannot have this content; None where nothing speaks against it."""
    is_archive = is_workbook(content)
    if ending == "xlsx" and content and not is_archive:
        return "This is not an Excel workbook."
    if ending == "csv" and is_archive:
        return "This is not a CSV file but a workbook or an archive."
    return None
