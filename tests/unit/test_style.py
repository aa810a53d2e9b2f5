"""Rules of style that no linter checks."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from support.documents import ROOT

LINES_MAX = 400
ENDINGS = {".py", ".sql", ".ts", ".tsx", ".mjs", ".css"}
GENERATED = {"api_types.ts"}
RELEASED = ROOT / "services" / "jobmonitor" / "database" / "migrations"
"""Never edited, however long."""


def sources() -> Iterator[Path]:
    folders = ("services/jobmonitor", "services/page/src", "services/page/test", "tests", "examples", "deploy")
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*")):
        ours = "node_modules" not in path.parts and "gateway/page/" not in path.as_posix()
        if ours and path.suffix in ENDINGS and path.name not in GENERATED and not path.is_relative_to(RELEASED):
            yield path


def test_files_are_short() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert len(lengths) > 400
    assert {str(path): lines for path, lines in lengths.items() if lines > LINES_MAX} == {}


def test_no_two_test_files_have_the_same_name() -> None:
    """Folders of tests are no packages: a name twice stops the whole run, and each alone passes."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert {name for name, times in names.items() if times > 1} == set()
