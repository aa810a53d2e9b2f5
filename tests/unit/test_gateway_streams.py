"""What an open page has yet to be told: bounded, at most one frame per job, and nothing after the end."""

import asyncio
from uuid import uuid4

from jobmonitor.gateway.live.streams import ENDED, PENDING_AT_MOST, RESET, Stream
from support.people import viewer

VIEWER = viewer()


async def _rest(stream: Stream) -> list[bytes]:
    """Everything the page gets until the stream ends."""
    return [frame async for frame in stream.frames()]


async def _told(stream: Stream, count: int) -> list[bytes]:
    frames = stream.frames()
    return [await asyncio.wait_for(anext(frames), 5) for _ in range(count)]


async def test_a_slow_page_gets_the_newest_of_each_job_in_order_of_change() -> None:
    stream, one, other = Stream(VIEWER, b""), uuid4(), uuid4()

    stream.offer(one, b"one 1")
    stream.offer(other, b"other 1")
    stream.offer(one, b"one 2")

    assert await _told(stream, 2) == [b"other 1", b"one 2"]


async def test_a_page_that_falls_behind_loads_its_list_instead() -> None:
    stream = Stream(VIEWER, b"")

    for _ in range(PENDING_AT_MOST + 1):
        stream.offer(uuid4(), b"x")
    stream.offer(uuid4(), b"later")

    assert await _told(stream, 2) == [RESET, b"later"]


async def test_after_the_end_nothing_is_sent_but_the_farewell() -> None:
    stream = Stream(VIEWER, b"")
    stream.offer(uuid4(), b"too late")
    stream.offer_reset()

    stream.end(ENDED)
    stream.end(None)

    assert await _rest(stream) == [ENDED]


async def test_a_stream_can_end_without_a_word() -> None:
    stream = Stream(VIEWER, b"")
    rest = asyncio.ensure_future(_rest(stream))
    await asyncio.sleep(0)

    stream.end(None)

    assert await asyncio.wait_for(rest, 5) == []
