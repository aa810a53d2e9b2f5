"""Where installed packages lie that carry programs."""

from importlib.util import find_spec
from pathlib import Path

from jobmonitor.local.errors import LocalError


def package_folder(name: str) -> Path:
    """The folder of a package, without importing it. Raises LocalError: it is not installed."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise LocalError(f"The package {name} is not installed: run `make setup`, or install jobmonitor[local].")
    return Path(spec.submodule_search_locations[0])
