"""What the chaos run needs of the stack: several workers, job types by name, a child that stays away."""

import os
import signal
from pathlib import Path

from jobmonitor.local.child import Child
from jobmonitor.local.service import WORKER, ServiceSpec
from jobmonitor.local.supervisor import Watched


class Sleeper(Child):
    def command(self) -> list[str]:
        return ["sleep", "600"]

    def is_ready(self) -> bool:
        return self.pid is not None


def test_instances_of_one_process_have_names_of_their_own() -> None:
    first, second = ServiceSpec("processor", WORKER), ServiceSpec("processor", WORKER, 2)
    assert (first.name, second.name) == ("processor", "processor-2")
    assert first.module == second.module == "jobmonitor.processor"


def test_a_child_that_is_held_stays_away_until_it_is_let_go(tmp_path: Path) -> None:
    child = Sleeper("sleeper", log_path=tmp_path / "sleeper.log")
    watched = Watched(child)
    child.launch()
    try:
        child.is_held = True
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        child.stop()
        assert not any(_look(watched) for _ in range(100))
        child.is_held = False
        while not _look(watched):
            pass
        assert child.pid is not None
    finally:
        child.is_held = True
        child.kill()


def _look(watched: Watched) -> bool:
    return watched.look(lambda _: None)
