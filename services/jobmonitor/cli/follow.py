"""Follows one job through the gateway's stream, over broken connections, to its end.

The order is the page's: connect, wait until the stream is ready, read the job, then apply what comes. So nothing falls
between the reading and the stream, and after a reconnection the first reading says what was missed.
"""

import time
from collections.abc import Callable, Iterator

import httpx2
import msgspec

from jobmonitor.cli.client import Client, Unreachable
from jobmonitor.cli.commands.jobs import job_path
from jobmonitor.cli.errors import CommandError
from jobmonitor.cli.output import ENDED, Item

SILENCE_S = 45.0
"""The gateway sends a sign of life every 15 s; after so long without one the connection counts as broken."""
RECONNECT_S = (0.2, 1.0, 2.0, 5.0)
"""Pauses between tries; the last repeats."""
APPEAR_POLL_S = 0.25


def follow(client: Client, job: str, *, give_up_s: float, say: Callable[[str], None]) -> Iterator[Item]:
    """The job each time it changed, until it has ended.

    ``say`` is told of broken connections. Raises CommandError: there is no such job, the session ended, or the gateway
    stayed away for ``give_up_s``.
    """
    link = _Link(give_up_s, say)
    last: Item | None = None
    while True:
        try:
            for item in _connected(client, job, link):
                if not _is_news(item, last):
                    continue
                last = item
                yield item
                if item["state"] in ENDED:
                    return
        except (httpx2.TransportError, Unreachable) as error:
            link.broke(error)
        link.pause()


def wait_until_seen(client: Client, job: str, appear_s: float) -> None:
    """Return when the gateway shows the job. Raises CommandError when it does not within ``appear_s``."""
    deadline = time.monotonic() + appear_s
    while client.request("GET", job_path(job)).status_code == httpx2.codes.NOT_FOUND:
        if time.monotonic() > deadline:
            raise CommandError(
                f"Job {job} was published, but is not seen at {client.url} after {appear_s:g} s. "
                "May this login see it, and is the projection running?"
            )
        time.sleep(APPEAR_POLL_S)


class _Link:
    """The connection: how often it was tried, and since when it is broken."""

    def __init__(self, give_up_s: float, say: Callable[[str], None]) -> None:
        self._give_up_s = give_up_s
        self._say = say
        self._tries = 0
        self._broken_since: float | None = None

    def works(self) -> None:
        self._tries, self._broken_since = 0, None

    def broke(self, error: Exception) -> None:
        """Raises Unreachable when this has gone on for too long."""
        if self._broken_since is None:
            self._broken_since = time.monotonic()
            self._say("The connection is lost; trying again.")
        if time.monotonic() - self._broken_since > self._give_up_s:
            raise Unreachable(f"The gateway stayed away for {self._give_up_s:g} s; the job goes on.") from error

    def pause(self) -> None:
        time.sleep(RECONNECT_S[min(self._tries, len(RECONNECT_S) - 1)])
        self._tries += 1


def _connected(client: Client, job: str, link: _Link) -> Iterator[Item]:
    """What one connection tells of the job."""
    with client.stream("GET", "/api/v1/jobs/stream", timeout=httpx2.Timeout(30.0, read=SILENCE_S)) as response:
        job_id = ""
        for message in httpx2.EventSource(response):
            match message.event:
                case "ready" | "reset":
                    item: Item = client.get(job_path(job))
                    item.pop("timeline", None)  # what the stream sends has none; without it the two compare
                    job_id = item["id"]
                    link.works()
                    yield item
                case "job":
                    item = msgspec.json.decode(message.data)
                    if item["id"] == job_id:
                        yield item
                case "ended":
                    raise CommandError("The session has ended. Use `jobmonitor login EMAIL`.")


def _is_news(item: Item, last: Item | None) -> bool:
    """Older states, and repetitions, are skipped."""
    if last is None:
        return True
    return bool(item["sequence"] > last["sequence"]) or (item["sequence"] == last["sequence"] and item != last)
