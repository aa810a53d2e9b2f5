"""What the documents show, for tests that try it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def code_in(page: str) -> list[str]:
    """The Python code that a page shows, piece by piece."""
    return re.findall(r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
