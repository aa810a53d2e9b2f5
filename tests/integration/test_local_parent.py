"""The stack goes on for as long as the ``make`` that runs it, however that was started."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[2] / "services"
ASK = "import os; from jobmonitor.local.parent import MakeParent; print(MakeParent(os.environ).wants_to_go_on())"


@pytest.mark.parametrize("began", ["", "trap '' INT; "], ids=["at a terminal", "by a script, in the background"])
def test_a_make_that_was_not_interrupted_wants_the_stack_to_go_on(tmp_path: Path, began: str) -> None:
    recipe = tmp_path / "Makefile"
    # the second command keeps make from becoming the first
    recipe.write_text(f"up:\n\t@{sys.executable} -c '{ASK}'; true\n\t@true\n")
    done = subprocess.run(
        ["sh", "-c", f"{began}exec make --silent --file {recipe} up"],
        env={**os.environ, "PYTHONPATH": str(SERVICES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("True", "", 0)


def test_a_stack_started_with_nohup_outlives_its_terminal() -> None:
    """nohup has SIGHUP ignored; without it the end of the terminal is a wish to stop."""
    program = (
        "import signal; from jobmonitor.local.interruption import Interruption; Interruption(); "
        "print(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN)"
    )
    command = [sys.executable, "-c", program]
    for how, ignored in ((signal.SIG_IGN, "True"), (signal.SIG_DFL, "False")):
        begin = partial(signal.signal, signal.SIGHUP, how)  # however these tests were started themselves
        done = subprocess.run(command, preexec_fn=begin, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == ignored
