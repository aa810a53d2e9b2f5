"""Keeps the children running: one that dies is started again, and what they complain about is passed on."""

import time
from collections.abc import Callable, Sequence

from jobmonitor.local.child import Child
from jobmonitor.local.log_watch import LogWatch

LOOK_EVERY_S = 0.25
READ_LOGS_EVERY_S = 2.0
RECOVERY_S = 10.0
"""While a child is away and so long after, the others complain about nothing but that."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
SOUND_AFTER_S = 60.0
"""A child that ran so long is not one that dies at each start."""

Say = Callable[[str], None]


class Watched:
    """One child, when it was launched, and when to launch it again."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.log = LogWatch(child.log_path)
        self.is_well = True
        self._deaths = 0
        self._launched_at = time.monotonic()
        self._launch_at: float | None = None

    def look(self, say: Say) -> bool:
        """Start it again if it is due. Returns whether it was."""
        now = time.monotonic()
        if self.child.pid is not None:
            self._greet(say)
            return False
        if self.child.is_held:
            self.is_well = False
            return False
        if self._launch_at is None:
            self._plan(now, say)
            return False
        if now < self._launch_at:
            return False
        self._launched_at, self._launch_at = now, None
        self.child.launch()
        if news := self.child.news():
            say(news)
        return True

    def _plan(self, now: float, say: Say) -> None:
        self.is_well = False
        self._deaths = 1 if now - self._launched_at > SOUND_AFTER_S else self._deaths + 1
        pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (self._deaths - 1))
        self._launch_at = now + pause_s
        child = self.child
        say(f"{child.name} {child.ending()}; starting it again in {pause_s:g} s. Its log: {child.log_path}")

    def _greet(self, say: Say) -> None:
        if not self.is_well and self.child.is_ready():
            self.is_well = True
            say(f"{self.child.name} is back.")


def supervise(children: Sequence[Child], say: Say, on_restart: Callable[[], None], go_on: Callable[[], bool]) -> None:
    """Watch the running children for as long as ``go_on()``; ``on_restart`` is called after each one launched again."""
    watched = [Watched(child) for child in children]
    quiet_until = read_logs_at = 0.0
    while go_on():
        restarted = [each for each in watched if each.look(say)]
        if restarted:
            on_restart()
        now = time.monotonic()
        if not all(each.is_well for each in watched):
            quiet_until = now + RECOVERY_S
        if now >= read_logs_at:
            read_logs_at = now + READ_LOGS_EVERY_S
            complaints = [f"{each.child.name}: {line}" for each in watched for line in each.log.news()]
            if now >= quiet_until:
                _say_all(complaints, say)
        time.sleep(LOOK_EVERY_S)


def _say_all(lines: Sequence[str], say: Say) -> None:
    for line in lines:
        say(line)
