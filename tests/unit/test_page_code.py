"""The page's own code: its types fit and its pure rules hold."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_pages_types_fit_and_its_own_tests_pass() -> None:
    command = [sys.executable, str(ROOT / "deploy" / "build_page.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
