"""How large a request's body may be, and a refusal that its sender gets to read."""

import asyncio
import contextlib

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from jobmonitor.gateway import metrics
from jobmonitor.gateway.http.problems import FieldError, Problem
from jobmonitor.job_types.files.tables import FILE_BYTES_MAX

JSON_BYTES_AT_MOST = 256 * 1024
UPLOAD_BYTES_AT_MOST = FILE_BYTES_MAX
UPLOADS = "/api/v1/uploads"
DRAINED_BYTES_AT_MOST = 2 * UPLOAD_BYTES_AT_MOST
DRAIN_TIMEOUT_S = 10.0


def limited(scope: Scope, receive: Receive, timeout_s: float) -> Receive:
    """``receive`` for a body within the limits.

    Raises Problem: 413, at once where the length is declared, and 408 where it takes longer; uploads have a deadline of
    their own.
    """
    declared = Headers(scope=scope).get("content-length", "0")
    bytes_at_most = UPLOAD_BYTES_AT_MOST if scope["path"] == UPLOADS else JSON_BYTES_AT_MOST
    received_bytes = 0
    ends_at_s = None if scope["path"] == UPLOADS else asyncio.get_running_loop().time() + timeout_s

    async def receiving() -> Message:
        nonlocal received_bytes, ends_at_s
        try:
            async with asyncio.timeout_at(ends_at_s):
                message = await receive()
        except TimeoutError:
            raise _too_slow(timeout_s) from None
        if not message.get("more_body"):
            ends_at_s = None  # what comes next is the end of the connection
        received_bytes += len(message.get("body", b""))
        if received_bytes > bytes_at_most:
            raise too_large(bytes_at_most)
        return message

    if declared.isdecimal() and int(declared) > bytes_at_most:
        raise too_large(bytes_at_most)
    return receiving


def _too_slow(timeout_s: float) -> Problem:
    metrics.LIMITED.labels("time of a body").inc()
    detail = f"The body did not arrive within {timeout_s:g} s; nothing was done. Please try again."
    return Problem(408, detail, code="stalled", headers={"connection": "close"})


def too_large(bytes_at_most: int) -> Problem:
    """413; of a file it names the field."""
    metrics.LIMITED.labels("size of a body").inc()
    headers = {"connection": "close"}
    if bytes_at_most == UPLOAD_BYTES_AT_MOST:
        detail = f"The file is larger than 20 MB ({UPLOAD_BYTES_AT_MOST:,} bytes). Split it into smaller files."
        errors = [FieldError(field="file", detail=detail)]
        return Problem(413, detail, code="too_large", errors=errors, headers=headers)
    size = f"{bytes_at_most // 1024} KiB"
    return Problem(413, f"The body is larger than {size}.", code="too_large", headers=headers)


def lingering(receive: Receive, send: Send) -> Send:
    """``send`` that after a 413 takes in what the client is still sending, up to a bound.

    Closing the connection on unread bytes resets it, and a client that is reset may never see the answer.
    """
    refused = False

    async def sending(message: Message) -> None:
        nonlocal refused
        if message["type"] == "http.response.start":
            refused = message["status"] == 413
        if refused and message["type"] == "http.response.body" and not message.get("more_body"):
            await send({**message, "more_body": True})
            await _drain(receive)
            message = {"type": "http.response.body", "body": b""}
        await send(message)

    return sending


async def _drain(receive: Receive) -> None:
    drained_bytes, more = 0, True
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_TIMEOUT_S):
            while more and drained_bytes < DRAINED_BYTES_AT_MOST:
                message = await receive()
                drained_bytes += len(message.get("body", b""))
                more = message["type"] == "http.request" and message.get("more_body", False)
