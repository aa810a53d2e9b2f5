"""How large a request's body may be, and a refusal that its sender gets to read."""

import asyncio
import contextlib

from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from jobmonitor.gateway.problems import FieldError, Problem
from jobmonitor.job_types.import_files import FILE_BYTES_MAX

JSON_BYTES_AT_MOST = 256 * 1024
UPLOAD_BYTES_AT_MOST = FILE_BYTES_MAX
UPLOADS = "/api/v1/uploads"
DRAINED_BYTES_AT_MOST = 2 * UPLOAD_BYTES_AT_MOST
DRAIN_TIMEOUT_S = 10.0


def limited(scope: Scope, receive: Receive) -> Receive:
    """``receive`` for a body within the limit. Raises Problem 413, at once where the length is declared."""
    declared = Headers(scope=scope).get("content-length", "0")
    bytes_at_most = UPLOAD_BYTES_AT_MOST if scope["path"] == UPLOADS else JSON_BYTES_AT_MOST
    received_bytes = 0

    async def receiving() -> Message:
        nonlocal received_bytes
        message = await receive()
        received_bytes += len(message.get("body", b""))
        if received_bytes > bytes_at_most:
            raise too_large(bytes_at_most)
        return message

    if declared.isdecimal() and int(declared) > bytes_at_most:
        raise too_large(bytes_at_most)
    return receiving


def too_large(bytes_at_most: int) -> Problem:
    """413; of a file it names the field."""
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
