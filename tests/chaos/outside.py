"""A service outside of everything that probes call, as others send mail: it can be away, and knows what reached it."""

import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import msgspec

from chaos.world import Reached
from jobmonitor.local.child import BARE_ENVIRONMENT, Child
from jobmonitor.local.ports import HOST, answers, free_port

TESTS = Path(__file__).parent.parent


class Call(msgspec.Struct, frozen=True):
    """One call, as its job told it."""

    job_id: UUID
    unit: int
    call: int


class Outside(Child):
    """The service as a process. It keeps its port, and what it was told."""

    def __init__(self, folder: Path) -> None:
        environment = {**BARE_ENVIRONMENT, "PYTHONPATH": str(TESTS)}
        super().__init__("outside", log_path=folder / "outside.log", environment=environment)
        self._port = free_port()
        self._calls = folder / "calls.jsonl"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "support.outside", str(self._port), str(self._calls)]

    def is_ready(self) -> bool:
        return self.pid is not None and answers(self._port)

    def reached(self) -> Mapping[UUID, Reached]:
        """What of each job reached it."""
        calls: dict[UUID, Counter[tuple[int, int]]] = defaultdict(Counter)
        for line in self._calls.read_bytes().splitlines() if self._calls.exists() else ():
            call = msgspec.json.decode(line, type=Call)
            calls[call.job_id][call.unit, call.call] += 1
        return {job_id: Reached(len(each), each.total()) for job_id, each in calls.items()}
