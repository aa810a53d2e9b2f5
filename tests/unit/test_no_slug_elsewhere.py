"""What a job type is stands in its folder: nothing else names it, so that another one is another folder and no more."""

import re
from collections.abc import Iterator
from pathlib import Path

from jobmonitor.job_types.registry import built_in

ROOT = Path(__file__).parents[2]
SOURCES = ("services/jobmonitor", "services/page/src", "deploy", "docker-compose.yml", "Makefile")
NO_SOURCES = ("services/jobmonitor/gateway/page/", "services/jobmonitor/database/migrations/")
"""The page as it is built; and what was done to the data of its day."""


def test_no_slug_of_ours_stands_outside_its_folder() -> None:
    assert {path for path in _sources() if _named_in(ROOT / path)} == set()


def _sources() -> Iterator[str]:
    own = tuple(f"services/jobmonitor/job_types/{_folder(each.slug)}/" for each in built_in())
    for source in SOURCES:
        found = (ROOT / source).rglob("*") if (ROOT / source).is_dir() else [ROOT / source]
        for path in sorted(each for each in found if each.is_file() and each.suffix != ".pyc"):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith((*own, *NO_SOURCES)):
                yield name


def _named_in(path: Path) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    names = [name for each in built_in() for name in (each.slug, _folder(each.slug), type(each).__name__)]
    return re.search("|".join(names), text) is not None


def _folder(slug: str) -> str:
    return slug.replace("-", "_")
