"""What a process has imported; imports nothing itself."""

import sys


def loaded_modules() -> list[str]:
    """All modules of this process, sorted."""
    return sorted(sys.modules)
