"""Programs the tests run."""

import shutil
from pathlib import Path

TOOLS = Path(__file__).parents[2] / ".tools"


def uv() -> Path:
    """That of the machine, else the one ``make setup`` installed."""
    return Path(shutil.which("uv") or TOOLS / "uv" / "bin" / "uv")
