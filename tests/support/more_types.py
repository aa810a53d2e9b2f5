"""Thirteen more job types than there are: the probe under other slugs, as a package that somebody installed.

For tests and measurements with fifteen types served. Whoever has the folder on its ``PYTHONPATH`` finds them.
"""

from collections.abc import Sequence
from pathlib import Path

from jobmonitor.job_types.registry import OFFERED_GROUP

MORE_SLUGS = tuple(f"probe-{number:02}" for number in range(1, 14))
_MODULE = "more_probes"
_HEAD = '''"""The probe under more slugs."""

from jobmonitor.job_types.probe.job_type import Probe


def probe(slug):
    value = Probe()
    value.slug, value.title = slug, slug.replace("-", " ").title()
    return value


'''


def write_more_types(folder: Path, slugs: Sequence[str] = MORE_SLUGS) -> Path:
    """Write the package into the folder, which is made; returns it. Users may start these types like any other."""
    metadata = folder / f"{_MODULE}-1.0.dist-info"
    metadata.mkdir(parents=True)
    names = {slug: slug.replace("-", "_").upper() for slug in slugs}
    values = "".join(f'{name} = probe("{slug}")\n' for slug, name in names.items())
    (folder / f"{_MODULE}.py").write_text(_HEAD + values)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {_MODULE}\nVersion: 1.0\n")
    entry_points = "".join(f"{slug} = {_MODULE}:{name}\n" for slug, name in names.items())
    (metadata / "entry_points.txt").write_text(f"[{OFFERED_GROUP}]\n{entry_points}")
    return folder
