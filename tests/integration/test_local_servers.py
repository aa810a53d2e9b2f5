"""The servers of the local stack: they start, stop, die and come back with their data."""

import os
import socket
import subprocess
import sys
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import aiosmtplib
import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from jobmonitor.local.kafka import KafkaServer
from jobmonitor.local.ports import free_port
from jobmonitor.local.service import MailSink
from support.servers import Database, Postgres


def test_no_two_servers_are_given_the_same_port() -> None:
    """Not even before the first of them listens."""
    ports = [free_port() for _ in range(500)]
    assert len(set(ports)) == len(ports)


async def test_each_role_logs_in_with_its_own_password(database: Database) -> None:
    for role in ("jobmonitor_worker", "jobmonitor_projection", "jobmonitor_gateway"):
        connection = await asyncpg.connect(database.url(role))
        assert await connection.fetchval("SELECT current_user") == role
        await connection.close()


async def test_postgres_recovers_what_it_confirmed_when_killed(postgres: Postgres, database: Database) -> None:
    connection = await asyncpg.connect(database.owner_url)
    await connection.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)")
    postgres.kill()
    postgres.start()
    connection = await asyncpg.connect(database.owner_url)
    assert await connection.fetchval("SELECT count(*) FROM kept") == 1
    await connection.close()


async def test_kafka_keeps_acknowledged_messages_when_killed(kafka: KafkaServer) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic("kept", num_partitions=1, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all") as producer:
        await producer.send_and_wait("kept", b"hello")
    kafka.kill()
    kafka.start()
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest")
    consumer.assign([TopicPartition("kept", 0)])
    async with consumer:
        message = await consumer.getone()
    assert message.value == b"hello"


async def test_the_mail_sink_keeps_every_message_and_sends_none(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()  # as the stack makes it, readable by its user only
    sink = MailSink(free_port(), tmp_path / "mail", log_path=tmp_path / "sink.log", environment=os.environ)
    sink.launch()
    try:
        sink.wait_until_ready()
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "from@demo.test", "to@demo.test", "Grüße"
        message.set_content("Hello")
        await aiosmtplib.send(message, hostname="127.0.0.1", port=sink.port)
    finally:
        sink.stop()
    (kept,) = (tmp_path / "mail" / "new").iterdir()
    assert message_from_bytes(kept.read_bytes(), policy=default)["Subject"] == "Grüße"


def test_a_server_keeps_its_port_over_starts_unless_somebody_else_has_it_by_then(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    choose = "from pathlib import Path; from jobmonitor.local.ports import KeptPorts; import sys; "
    program = [sys.executable, "-c", f"{choose}print(KeptPorts(Path(sys.argv[1])).port('kafka'))", str(path)]

    def chosen() -> int:
        return int(subprocess.run(program, capture_output=True, check=True).stdout)

    first = chosen()
    assert chosen() == first
    with socket.create_server(("127.0.0.1", first)):
        second = chosen()
    assert second != first
    assert chosen() == second
    path.write_text("not JSON")
    assert chosen() > 0
