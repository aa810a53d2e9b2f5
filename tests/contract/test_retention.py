"""docs/retention.md against the settings: everything that is kept for a time is in it, with its default."""

import dataclasses
import re
from pathlib import Path

from jobmonitor.reconciler.settings import RETENTION, ReconcilerSettings

TEXT = (Path(__file__).parent.parent.parent / "docs" / "retention.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| [^|]+ \| `(?P<name>\w+)` \| (?P<value>\d+) \| [^|]+ \|$", re.MULTILINE)


def test_every_retention_is_in_the_table_with_its_default() -> None:
    defaults = {each.name: each.default for each in dataclasses.fields(ReconcilerSettings)}
    told = {row["name"]: int(row["value"]) for row in _ROW.finditer(TEXT)}
    assert told == {name: value for name, value in defaults.items() if "retention" in name}
    assert set(told) == set(RETENTION)
