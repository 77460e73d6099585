"""Errors as people and programs see them: one JSON shape for the API, one page for browsers."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from backend.api.guard import MACHINE_PATHS, SECURITY_HEADERS
from backend.api.templating import page
from backend.core.errors import FrontdeskError

log = structlog.get_logger(__name__)

STATUS_OF_CODE = {
    "not-found": HTTPStatus.NOT_FOUND,
    "duplicate": HTTPStatus.CONFLICT,
    "conflict": HTTPStatus.CONFLICT,
    "not-live": HTTPStatus.CONFLICT,
    "line": HTTPStatus.CONFLICT,
    "replay": HTTPStatus.SERVICE_UNAVAILABLE,
    "audio": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid": HTTPStatus.UNPROCESSABLE_ENTITY,
    "knowledge": HTTPStatus.UNPROCESSABLE_ENTITY,
    "engine": HTTPStatus.SERVICE_UNAVAILABLE,
    "store": HTTPStatus.SERVICE_UNAVAILABLE,
    "store-unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}
CODE_OF_STATUS = {HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too-large"}


class ErrorInfo(BaseModel):
    """What went wrong, and what to do about it."""

    code: str = Field(description="Stable; for programs.", examples=["not-found"])
    message: str = Field(description="One sentence.", examples=["There is no call 20261121-1."])
    fix: str = Field(description="What to do about it; may be empty.", examples=[""])


class ErrorAnswer(BaseModel):
    """The body of every answer that is not a success."""

    error: ErrorInfo


class ApiError(FrontdeskError):
    """A request that is answered with an error; `code` and `status` differ per instance."""

    code: ClassVar[str] = "api"

    def __init__(self, status: HTTPStatus, code: str, message: str, *, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.status = status
        self.answer_code = code


class NotSignedInError(ApiError):
    """Nobody we know is asking. Pages answer with the sign-in page."""

    def __init__(self, message: str = "You are not signed in.") -> None:
        super().__init__(
            HTTPStatus.UNAUTHORIZED,
            "not-signed-in",
            message,
            fix="Sign in at /sign-in, or send “Authorization: Bearer <API key>”.",
        )


class PasswordChangeDueError(ApiError):
    """The one-time password has to be replaced first. Pages answer with the page for that."""

    def __init__(self) -> None:
        super().__init__(
            HTTPStatus.FORBIDDEN,
            "password-change-due",
            "Your one-time password has to be changed first.",
            fix="Open /password.",
        )


def not_found(what: str, which: object) -> ApiError:
    """The thing asked for is not there."""
    return ApiError(HTTPStatus.NOT_FOUND, "not-found", f"There is no {what} {which}.")


def wants_json(request: Request) -> bool:
    """Whether a program is asking: everything under /api, and what monitors read."""
    return request.url.path.startswith(MACHINE_PATHS)


def add_error_handlers(app: FastAPI) -> None:
    """Answer every kind of error in the one shape."""
    app.add_exception_handler(FrontdeskError, _on_frontdesk_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_bug)


def describe(problems: Sequence[Any]) -> str:
    """Pydantic's findings as one line a person can act on: each with its field and its value."""
    sentences = []
    for problem in problems[:5]:
        place = [str(step) for step in problem["loc"] if step not in ("body", "query", "path")]
        given = problem.get("input")
        shown = f" (it is {ascii(given)[:80]})" if isinstance(given, str | int | float) else ""
        text = problem["msg"].removeprefix("Value error, ")
        sentences.append(f"{'.'.join(place) or 'The request'}: {text}{shown}.")
    return " ".join(sentences)


async def _on_frontdesk_error(request: Request, error: Exception) -> Response:
    if isinstance(error, NotSignedInError | PasswordChangeDueError) and not wants_json(request):
        where = "/password" if isinstance(error, PasswordChangeDueError) else "/sign-in"
        return _redirect(request, where)
    if isinstance(error, ApiError):
        return _answer(request, error.status, error.answer_code, error.message, error.fix)
    if not isinstance(error, FrontdeskError):
        raise error
    status = STATUS_OF_CODE.get(error.code, HTTPStatus.INTERNAL_SERVER_ERROR)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("request-failed", path=request.url.path, code=error.code)
    return _answer(request, status, error.code, error.message, error.fix)


async def _on_invalid(request: Request, error: Exception) -> Response:
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    fix = "See /docs for what is accepted."
    return _answer(request, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", describe(problems), fix)


async def _on_http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    status = HTTPStatus(error.status_code)
    sentences = {
        HTTPStatus.NOT_FOUND: "There is nothing at this address.",
        HTTPStatus.METHOD_NOT_ALLOWED: f"This address does not take {request.method}.",
    }
    code = CODE_OF_STATUS.get(status) or status.phrase.lower().replace(" ", "-")
    message = sentences.get(status) or f"{error.detail.rstrip('.')}."
    return _answer(request, status, code, message, "", dict(error.headers or {}))


async def _on_bug(request: Request, error: Exception) -> Response:
    return _answer(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "bug",
        "Something went wrong on our side.",
        "It is in the log. Please try again; if it stays, report it.",
        # This answer is made outside of the guard.
        dict(SECURITY_HEADERS),
    )


def _redirect(request: Request, where: str) -> Response:
    query = f"?{urlencode({'next': _here(request)})}" if request.method == "GET" else ""
    return Response(status_code=HTTPStatus.SEE_OTHER, headers={"location": where + query})


def _answer(
    request: Request,
    status: HTTPStatus,
    code: str,
    message: str,
    fix: str,
    headers: dict[str, str] | None = None,
) -> Response:
    if status is HTTPStatus.UNAUTHORIZED:
        headers = {**(headers or {}), "www-authenticate": "Bearer"}
    if wants_json(request):
        info = ErrorInfo(code=code, message=message, fix=fix)
        body = ErrorAnswer(error=info).model_dump()
        return JSONResponse(body, status_code=status, headers=headers)
    return page(request, "error.html", status=status, headers=headers, message=message, fix=fix)


def _here(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
