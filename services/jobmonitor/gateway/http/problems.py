"""Problem details for HTTP APIs (RFC 9457): the one form of every error of every address."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import HTTPException, RequestValidationError
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.routing import compile_path

from jobmonitor.gateway.adapters.database import DatabaseUnavailable
from jobmonitor.runtime.kafka import KafkaUnavailable

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:jobmonitor:problem:"
RETRY_AFTER_S = 2
NOT_FOUND = "Not found: it does not exist, or you may not see it."

log = structlog.stdlib.get_logger()


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one field of the request."""

    field: str
    """Its path, for instance ``parameters.format``; a query parameter's or header's name."""
    pointer: str | None = None
    """The same as a JSON pointer into the body; null outside of it."""
    detail: str


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True, rename={"kind": "type"}):
    """An error, as RFC 9457 tells it."""

    kind: str
    """``urn:jobmonitor:problem:`` and a stable word for programs, or ``about:blank``."""
    title: str
    status: int
    detail: str
    """For people: what happened, and what to do."""
    errors: list[FieldError] | None = None
    """The fields at fault, where there are any."""


class Problem(HTTPException):
    """Ends a request with problem details."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        code: str | None = None,
        errors: list[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, headers=dict(headers or {}))
        self.code = code
        self.errors = errors


def not_found() -> Problem:
    """The same for what does not exist and for what the viewer may not see."""
    return Problem(404, NOT_FOUND, code="not_found")


def problem_response(problem: Problem) -> Response:
    details = ProblemDetails(
        kind=TYPE_PREFIX + problem.code if problem.code else "about:blank",
        title=HTTPStatus(problem.status_code).phrase,
        status=problem.status_code,
        detail=problem.detail,
        errors=problem.errors,
    )
    body = msgspec.json.encode({k: v for k, v in msgspec.to_builtins(details).items() if v is not None})
    return Response(body, problem.status_code, headers=problem.headers, media_type=MEDIA_TYPE)


def problem_of(error: Exception) -> Problem:
    """The problem that answers an exception; a bare 500 for a bug."""
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return _invalid(error)
        case AnyHTTPException():
            return Problem(error.status_code, _DETAILS.get(error.status_code, str(error.detail)), headers=error.headers)
        case KafkaUnavailable():
            return unavailable("The message broker cannot be reached; nothing was started.")
        case DatabaseUnavailable():
            return unavailable("The database cannot be reached.")
        case _:
            return Problem(500, "Something went wrong on our side. The error was logged; please try again later.")


def unavailable(what: str) -> Problem:
    return Problem(
        503,
        f"{what} Please try again in a few seconds.",
        code="unavailable",
        headers={"retry-after": str(RETRY_AFTER_S)},
    )


_DETAILS = {
    404: NOT_FOUND,
    405: "This address does not take that method; the Allow header names those it takes.",
}


def _invalid(error: RequestValidationError) -> Problem:
    """FastAPI checks query parameters, headers and paths; bodies are checked by ``bodies``."""
    errors = [FieldError(field=str(each["loc"][-1]), detail=f"{each['msg']}.") for each in error.errors()]
    return Problem(422, "The request has values that cannot be used.", code="invalid", errors=errors)


async def answer_with_problem(request: Request, error: Exception) -> Response:
    """Starlette's exception handler for everything a handler raises on purpose."""
    problem = problem_of(error)
    if problem.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning(
            "request_refused", method=request.method, path=request.url.path, error=repr(error.__cause__ or error)
        )
    return problem_response(problem)


async def _answer_wrong_method(request: Request, error: Exception) -> Response:
    """The framework would name the methods of the first matching address only."""
    problem = problem_of(error)
    if allowed := _methods_at(request.app, request.url.path):
        problem.headers = {"allow": ", ".join(sorted(allowed))}
    return problem_response(problem)


def _methods_at(app: FastAPI, path: str) -> set[str]:
    operations = [each for at, each in app.openapi()["paths"].items() if compile_path(at)[0].match(path)]
    return {method.upper() for each in operations for method in each}


def install(app: FastAPI) -> None:
    """Answer all expected errors with problem details; unexpected ones are the error boundary's (``middleware``)."""
    for kind in (AnyHTTPException, RequestValidationError, KafkaUnavailable, DatabaseUnavailable):
        app.add_exception_handler(kind, answer_with_problem)
    app.add_exception_handler(405, _answer_wrong_method)
