"""The built page in the wheel. Its types and its own tests are checked by ``make check``."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
OF_SOURCES = re.compile(r"\.m?tsx?$|\.mjs$|(^|/)(package(-lock)?\.json|\.npmrc|node_modules/)")


def test_the_wheel_carries_the_built_page_and_none_of_its_sources(tmp_path: Path) -> None:
    for command in (["deploy/build_page.py"], ["-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]):
        done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    page = [name for name in names if name.startswith("jobmonitor/gateway/page/")]
    assert "jobmonitor/gateway/page/index.html" in page
    assert {Path(name).suffix for name in page} == {".html", ".js", ".css", ".svg", ".br", ".gz"}
    assert [name for name in names if OF_SOURCES.search(name)] == []
