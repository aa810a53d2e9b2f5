"""Sets up all a fresh machine needs to run and test the project: the locked environment and the page's files.

Needs nothing but Python's standard library. What is up to date is left alone, so it costs nothing to run it each time.
``--browser`` also sees that there is a browser for the tests.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WANTED = (3, 11)
if sys.version_info < WANTED:  # before anything an older Python would stumble over
    for newer in filter(None, (shutil.which(f"python3.{minor}") for minor in (11, 12, 13, 14))):
        if subprocess.call([newer, "-c", "pass"], stderr=subprocess.DEVNULL) == 0:  # noqa: S603
            os.execv(newer, [newer, *sys.argv])  # noqa: S606
    sys.exit(
        f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: install one, or name it: make PYTHON=…"
    )

TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".set_up_from"
LOG = TOOLS / "setup.log"
DEBIAN_CHROMIUM = Path("/usr/bin/chromium")
SAY_EVERY_S = 10.0
LEAST_FREE_BYTES = 2_000_000_000


class SetupError(Exception):
    """Something is in the way. The message is one line that says what to do."""


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def run(title: str, *command: "str | Path", hint: str) -> None:
    """Run a step, its output kept in the log; a long one says now and then that it goes on. Raises SetupError."""
    say(title)
    began_at = said_at = time.monotonic()
    with tempfile.TemporaryFile() as output:
        step = subprocess.Popen(command, stdout=output, stderr=output, env=environment(), cwd=ROOT)  # noqa: S603
        while step.poll() is None:
            if time.monotonic() - said_at > SAY_EVERY_S:
                said_at = time.monotonic()
                say(f"  … {said_at - began_at:.0f} s")
            time.sleep(0.05)
        output.seek(0)
        text = output.read()
    with LOG.open("ab") as log:
        log.write(f"\n{title}\n".encode() + text)
    if step.returncode != 0:
        raise SetupError(f"{title} failed: {last_line(text)} {hint} ({LOG})")


def last_line(output: bytes) -> str:
    lines = [line.strip(" ╰─▶├│") for line in output.decode(errors="replace").splitlines() if line.strip(" ╰─▶├│")]
    return f"{lines[-1][:300].rstrip('.')}." if lines else "it said nothing."


def environment() -> "dict[str, str]":
    """Of the steps: not that of a virtual environment somebody happens to be in."""
    kept = {name: text for name, text in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME")}
    return {
        **kept,
        "UV_PYTHON_DOWNLOADS": "never",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "DEBIAN_FRONTEND": "noninteractive",
    }


def set_up_environment() -> None:
    """The virtual environment with exactly what the lock says, and the project itself."""
    place, content = fingerprints()
    found = STAMP.read_text().split() if STAMP.is_file() else ["", ""]
    if found == [place, content]:
        return
    free = shutil.disk_usage(ROOT).free
    if free < LEAST_FREE_BYTES:
        raise SetupError(f"Only {free // 1_000_000:,} MB are free in {ROOT}; 2 GB are needed: free some space.")
    uv = find_uv()
    hint = "Check the network and the space on the disk, then try again."
    if found[0] != place:
        run("Python environment: making it", uv, "venv", "--clear", "--python", sys.executable, VENV, hint=hint)
    run(
        "Python environment: installing the locked packages (some 300 MB the first time)",
        *(uv, "pip", "sync", "--python", PYTHON, "--require-hashes", ROOT / "requirements.lock"),
        hint=hint,
    )
    run(
        "Python environment: installing the project",
        *(uv, "pip", "install", "--python", PYTHON, "--no-deps", "--no-build-isolation", "--editable", ROOT),
        hint=hint,
    )
    STAMP.write_text(f"{place} {content}")


def fingerprints() -> "tuple[str, str]":
    """Of what an environment is made for, and of what is in it."""
    place = hashlib.sha256(f"{sys.version} {sys.executable} {ROOT}".encode())
    content = hashlib.sha256((ROOT / "requirements.lock").read_bytes() + (ROOT / "pyproject.toml").read_bytes())
    return place.hexdigest(), content.hexdigest()


def find_uv() -> Path:
    """The uv of this machine, or one of our own."""
    installed = shutil.which("uv")
    if installed:
        return Path(installed)
    folder = TOOLS / "uv"
    if not (folder / "bin" / "uv").exists():
        shutil.rmtree(folder, ignore_errors=True)
        make_venv(folder)
        lock = ROOT / "deploy" / "uv.requirements.lock"
        command = (folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock)
        run("uv: installing it", *command, hint="Check the network and try again.")
    return folder / "bin" / "uv"


def make_venv(folder: Path) -> None:
    """With pip in it, which Debian and Ubuntu keep in a package of their own."""
    how = "Install uv, or Python's venv (on Debian and Ubuntu as root: apt-get install python3-venv), then try again."
    command = (sys.executable, "-m", "venv", folder)
    try:
        run("uv: making a place for it", *command, hint=how)
    except SetupError:
        if not can_install():
            raise SetupError(f"This Python cannot make virtual environments. {how}") from None
        install_system_packages("python3-venv", hint=how)
        run("uv: making a place for it", *command, hint=how)


def can_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_system_packages(*names: str, hint: str) -> None:
    """Of Debian or Ubuntu, as root."""
    run("System packages: reading what there is", "apt-get", "update", hint=hint)
    run(
        f"System packages: installing {' '.join(names)}",
        "apt-get",
        "install",
        "--yes",
        "--no-install-recommends",
        *names,
        hint=hint,
    )


def build_page() -> None:
    """Says in one line what it did; nothing when it is built already."""
    done = subprocess.run([PYTHON, ROOT / "deploy" / "build_page.py"], env=environment(), check=False)  # noqa: S603
    if done.returncode != 0:
        raise SetupError("")


def set_up_browser() -> None:
    """Debian's where it can be had, else Playwright's own."""
    if DEBIAN_CHROMIUM.exists() or has_own_browser():
        return
    how = "For the browser tests install Debian's chromium as root, or run: .venv/bin/playwright install chromium"
    try:
        if can_install() and is_debian():
            install_system_packages("chromium", hint=how)
        else:
            libraries = ["--with-deps"] if can_install() else []
            run(
                "Browser: installing Playwright's",
                PYTHON,
                "-m",
                "playwright",
                "install",
                *libraries,
                "chromium",
                hint=how,
            )
    except SetupError as error:
        if os.environ.get("CI"):
            raise
        say(f"{error} The tests that need a browser cannot run.")


def has_own_browser() -> bool:
    ask = "from playwright.sync_api import sync_playwright as p\nwith p() as play: print(play.chromium.executable_path)"
    answer = subprocess.run([PYTHON, "-c", ask], capture_output=True, text=True, env=environment(), check=False)  # noqa: S603
    return answer.returncode == 0 and Path(answer.stdout.strip()).exists()


def is_debian() -> bool:
    """Ubuntu's chromium is a snap, which no test can drive."""
    try:
        return "ID=debian" in Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False


def main() -> int:
    """Exit status 1, after one line, when something is in the way."""
    parser = argparse.ArgumentParser(description="Sets up what the project needs.")
    parser.add_argument("--browser", action="store_true", help="also see that there is a browser for the tests")
    arguments = parser.parse_args()
    try:
        TOOLS.mkdir(exist_ok=True)
        with (TOOLS / "setup.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two at once would be in each other's way
            set_up_environment()
            build_page()
            if arguments.browser:
                set_up_browser()
    except (SetupError, OSError) as error:
        if str(error):
            print(error, file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
