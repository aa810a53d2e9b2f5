"""What the documents say about this repository holds: the files they name are there, the code they show is real."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.documents import ROOT, code_in

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
FOLDERS = (ROOT, ROOT / "services", ROOT / "services" / "jobmonitor", ROOT / "services" / "page" / "src")
"""Where a path in the documents may begin."""
ENDINGS = (".py", ".sql", ".md", ".json", ".toml", ".yml", ".yaml", ".tsx", ".ts")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_is_named_is_there(page: Path) -> None:
    missing = [
        path
        for path in sorted(set(_paths(page.read_text(encoding="utf-8"))))
        if not any((folder / path).exists() for folder in FOLDERS)
    ]
    assert missing == []


def test_the_architecture_names_many_files() -> None:
    """Else the test above would be content with a page it cannot read."""
    assert len(set(_paths((ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")))) > 50


def _paths(text: str) -> Iterator[str]:
    """What looks like a file of ours or a folder: ``ledger/outbox.py``, ``checker/``."""
    for quoted in re.findall(r"`(\w[\w.-]*/[\w./-]*)`", text):
        if quoted.endswith(("/", *ENDINGS)):
            yield quoted
    for tree in re.findall(r"^```\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        yield from re.findall(r"^ *([\w.-]+/[\w./-]*)  ", tree, re.MULTILINE)


def test_the_job_type_of_the_readme_is_that_of_the_example() -> None:
    shown = code_in("README.md")[1]
    assert shown in (ROOT / "examples" / "word-count" / "word_count.py").read_text(encoding="utf-8")


def test_every_decision_is_listed_with_its_title() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text(encoding="utf-8")
    for file in sorted(folder.glob("[0-9]*.md")):
        title = file.read_text(encoding="utf-8").splitlines()[0].lstrip("# ").split(". ", 1)[1]
        assert f"- {file.name[:4]} [{title}]({file.name})" in listed
