"""Limits of a request's body, and a refusal that reaches its sender."""

import asyncio
import contextlib

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from jobmonitor.gateway import metrics
from jobmonitor.gateway.http.problems import FieldError, Problem

JSON_BYTES_AT_MOST = 256 * 1024
UPLOADS = "/api/v1/uploads"
DRAIN_TIMEOUT_S = 10.0


def limited(scope: Scope, receive: Receive, timeout_s: float, upload_bytes_max: int) -> Receive:
    """``receive`` for a body within the limits. The largest file any job type reads has ``upload_bytes_max``.

    Raises Problem: 413, at once where the length is declared, and 408 where it takes longer; uploads have a deadline of
    their own.
    """
    declared = Headers(scope=scope).get("content-length", "0")
    is_upload = scope["path"] == UPLOADS
    bytes_max, too_large = (upload_bytes_max, file_too_large) if is_upload else (JSON_BYTES_AT_MOST, body_too_large)
    received_bytes = 0
    ends_at_s = None if is_upload else asyncio.get_running_loop().time() + timeout_s

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
        if received_bytes > bytes_max:
            raise too_large(bytes_max)
        return message

    if declared.isdecimal() and int(declared) > bytes_max:
        raise too_large(bytes_max)
    return receiving


def _too_slow(timeout_s: float) -> Problem:
    metrics.LIMITED.labels("time of a body").inc()
    detail = f"The body did not arrive within {timeout_s:g} s; nothing was done. Please try again."
    return Problem(408, detail, code="stalled", headers={"connection": "close"})


def body_too_large(bytes_max: int) -> Problem:
    """413 of any body but a file's."""
    metrics.LIMITED.labels("size of a body").inc()
    detail = f"The body is larger than {bytes_max // 1024} KiB."
    return Problem(413, detail, code="too_large", headers={"connection": "close"})


def file_too_large(bytes_max: int) -> Problem:
    """413 that names the field."""
    metrics.LIMITED.labels("size of a body").inc()
    detail = (
        f"The file is larger than {bytes_max / 1024**2:,.4g} MB ({bytes_max:,} bytes). Split it into smaller files."
    )
    errors = [FieldError(field="file", detail=detail)]
    return Problem(413, detail, code="too_large", errors=errors, headers={"connection": "close"})


def lingering(receive: Receive, send: Send, bytes_max: int) -> Send:
    """``send`` that after a 413 takes in what the client is still sending, up to so many bytes.

    Closing the connection on unread bytes resets it, and a client that is reset may never see the answer.
    """
    refused = False

    async def sending(message: Message) -> None:
        nonlocal refused
        if message["type"] == "http.response.start":
            refused = message["status"] == 413
        if refused and message["type"] == "http.response.body" and not message.get("more_body"):
            await send({**message, "more_body": True})
            await _drain(receive, bytes_max)
            message = {"type": "http.response.body", "body": b""}
        await send(message)

    return sending


async def _drain(receive: Receive, bytes_max: int) -> None:
    drained_bytes, more = 0, True
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_TIMEOUT_S):
            while more and drained_bytes < bytes_max:
                message = await receive()
                drained_bytes += len(message.get("body", b""))
                more = message["type"] == "http.request" and message.get("more_body", False)
