"""Our own processes as the local stack runs them."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jobmonitor.local.child import Child, answers_ready
from jobmonitor.local.ports import HOST, answers, free_port, is_free
from jobmonitor.runtime.settings import variable_name

METRICS_PORT = variable_name("metrics_port")
INSTANCE = variable_name("kafka_instance")
WORKER, PROJECTION, GATEWAY = "jobmonitor_worker", "jobmonitor_projection", "jobmonitor_gateway"


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One of our processes, which role of the database it has, and which of several alike it is."""

    process: str
    role: str
    instance: int = 1

    @property
    def name(self) -> str:
        """``projection``, and ``projection-2`` for the second of its kind."""
        return self.process if self.instance == 1 else f"{self.process}-{self.instance}"

    @property
    def module(self) -> str:
        return f"jobmonitor.{self.process}"


SERVICES: tuple[ServiceSpec, ...] = (
    ServiceSpec("projection", PROJECTION),
    ServiceSpec("processor", WORKER),
    ServiceSpec("reconciler", WORKER),
    ServiceSpec("gateway", GATEWAY),
)
"""In the order they start; they end in the opposite one. The gateway is the last."""


class Service(Child):
    """One of our processes. It is ready when its ``/readyz`` says so."""

    def __init__(self, spec: ServiceSpec, port: int, *, log_path: Path, environment: Mapping[str, str]) -> None:
        """``port`` is where it answers ``/readyz``."""
        super().__init__(spec.name, log_path=log_path, environment={**environment, INSTANCE: spec.name})
        self.port = port
        self._module = spec.module
        self._moved_from: int | None = None

    def launch(self) -> None:
        """Start it, on another port where that for monitoring is taken. The gateway waits for its own, the page's."""
        self._moved_from = None
        if METRICS_PORT in self._environment and not is_free(self.port):
            self._moved_from, self.port = self.port, free_port()
            self._environment = {**self._environment, METRICS_PORT: str(self.port)}
        super().launch()

    def news(self) -> str:
        if self._moved_from is None:
            return ""
        return f"{self.name}: port {self._moved_from} is taken; it answers monitoring on {self.port} now."

    def command(self) -> list[str]:
        return [sys.executable, "-m", self._module]

    def is_ready(self) -> bool:
        return self.pid is not None and answers_ready(self.port)


class MailSink(Child):
    """The mail server of the demo."""

    def __init__(self, port: int, folder: Path, *, log_path: Path, environment: Mapping[str, str]) -> None:
        own = {"JOBMONITOR_SMTP_PORT": str(port), "JOBMONITOR_MAIL_FOLDER": str(folder)}
        super().__init__("mail-sink", log_path=log_path, environment={**environment, **own})
        self.port = port

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def command(self) -> list[str]:
        return [sys.executable, "-m", "jobmonitor.local.mail_sink"]

    def is_ready(self) -> bool:
        return self.pid is not None and answers(self.port)
