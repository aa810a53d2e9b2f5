"""The Faust app of one job type: its streams of requests and of chunks, and what happens to a message that is wrong.

Faust hands out the messages; nothing is trusted to it beyond that (its tables and its exactly-once mode are not used).
That it skips none around a rebalance is the work of :mod:`jobmonitor.processor.no_skip`; beneath that, the reconciler
publishes again whatever was asked for and not done. Measured traps and the settings that avoid them:

- ``broker_session_timeout`` and ``broker_heartbeat_interval``: take-over after a kill -9 in 13 s instead of 63 s;
- ``consumer_metadata_max_age_ms``: a topic created after the start is seen;
- messages of both topics are gathered and acknowledged later, so a stream waits for nothing: what Faust does wrong with
  many in flight (a crash skips events, faust-streaming/faust#606) lies in what no_skip replaces;
- ``stream_wait_empty``: a rebalance waits for acknowledgements, in no_skip for a moment only. Whoever takes a partition
  over consumes again what was gathered and not acknowledged, and the ledger knows what was done;
- ``stream_buffer_maxsize``: messages of a partition that wait in Faust, of a megabyte each at worst (4,096 otherwise).
"""

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import NoReturn, cast

import faust
import structlog

from jobmonitor.contract.envelope import Event, Undecodable, decode
from jobmonitor.contract.topics import requests_topic, work_topic
from jobmonitor.processor.metrics import SKIPPED
from jobmonitor.processor.no_skip import NoSkipApp
from jobmonitor.processor.request_queue import RequestQueue, request_of
from jobmonitor.runtime.kafka_client import ssl_context
from jobmonitor.runtime.retry import until_passed
from jobmonitor.runtime.settings import PLAIN, KafkaSettings

BUFFERED_MAX = 16

log = structlog.stdlib.get_logger()

Take = Callable[[Event, "faust.types.Message", Callable[[], object]], str | None]
"""Takes a hint, and acknowledges it by the last argument. Or says why it is none."""
Refusal = Callable[["faust.types.Message", str], Awaitable[None]]


def build_app(job_type: str, kafka: KafkaSettings, data_folder: Path) -> NoSkipApp:
    """An app that is its own consumer group, keeps no state, creates no topic and serves no web."""
    return NoSkipApp(
        f"jobmonitor-processor-{job_type}",
        broker=[f"kafka://{address}" for address in kafka.kafka_bootstrap.split(",")],
        broker_credentials=_credentials(kafka),
        datadir=str(data_folder / job_type),
        store="memory://",
        processing_guarantee="at_least_once",
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        reply_create_topic=False,
        consumer_group_instance_id=kafka.kafka_instance or None,
        broker_session_timeout=10.0,
        broker_heartbeat_interval=1.0,
        consumer_metadata_max_age_ms=5000,
        stream_wait_empty=True,
        stream_buffer_maxsize=BUFFERED_MAX,
        worker_redirect_stdouts=False,
    )


def _credentials(kafka: KafkaSettings) -> "faust.SASLCredentials | None":
    """Who Faust says it is. Raises SettingsError."""
    if kafka.kafka_security_protocol == PLAIN:
        return None
    return faust.SASLCredentials(
        username=kafka.kafka_username,
        password=kafka.kafka_password,
        mechanism=kafka.kafka_sasl_mechanism,
        ssl_context=ssl_context(kafka),
    )


class Streams:
    """Feeds the two topics of a job type to those who handle their messages."""

    def __init__(self, app: faust.App, job_type: str, *, crash: Callable[[BaseException], NoReturn]) -> None:
        self._app = app
        self._job_type = job_type
        self._crash = crash

    def consume_requests(self, queue: RequestQueue, account_of: Callable[[Event], int | None], refuse: Refusal) -> None:
        """Requests go to the queue. ``account_of`` tells whose request an event is; None: it is skipped. What the queue
        puts aside goes to ``refuse``, as a dead letter.

        Undecodable messages are only counted: on a topic of requests the projection keeps them as dead letters.
        """

        async def listen(stream: "faust.StreamT[bytes]") -> None:
            async for event in cast("faust.Stream[bytes]", stream).noack().events():
                request = _read(event.message)
                account_id = None if request is None else account_of(request)
                if request is None or account_id is None:
                    event.ack()
                else:
                    message = event.message
                    size_bytes = len(message.value or b"")
                    await queue.add(account_id, request_of(request, size_bytes, event.ack, partial(refuse, message)))

        self._listen(requests_topic(self._job_type), listen)

    def consume_work(self, take: Take, refuse: Refusal) -> None:
        """Hints of chunks go to ``take``, which does not block. Any other message goes to ``refuse``: a dead letter."""

        async def listen(stream: "faust.StreamT[bytes]") -> None:
            async for event in cast("faust.Stream[bytes]", stream).noack().events():
                reason = _hand_over(event, take)
                if reason is not None:
                    await self._until_refused(event.message, reason, refuse)
                    event.ack()

        self._listen(work_topic(self._job_type), listen)

    def _listen(self, topic_name: str, listen: Callable[["faust.StreamT[bytes]"], Awaitable[None]]) -> None:
        topic = self._app.topic(
            topic_name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )
        self._app.agent(topic, name=f"consume {topic_name}", concurrency=1, isolated_partitions=True)(listen)

    async def _until_refused(self, message: "faust.types.Message", reason: str, refuse: Refusal) -> None:
        """While the broker is away, the messages behind it wait too. Any other error is a bug: the process ends."""
        topic, offset = message.topic, message.offset
        try:
            await until_passed(lambda: refuse(message, reason), "message_waits", topic=topic, offset=offset)
        except Exception as bug:
            self._crash(bug)


def _hand_over(event: "faust.EventT[bytes]", take: Take) -> str | None:
    """Why the message is refused; None when it was taken."""
    try:
        return take(decode(event.message.value), event.message, event.ack)
    except Undecodable as error:
        return str(error)


def _read(message: "faust.types.Message") -> Event | None:
    try:
        return decode(message.value)
    except Undecodable as error:
        SKIPPED.labels(message.topic).inc()
        log.warning("undecodable_skipped", topic=message.topic, offset=message.offset, reason=str(error))
        return None
