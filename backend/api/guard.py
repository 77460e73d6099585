"""What every request and every answer passes through: host names, sizes, security headers."""

import ipaddress
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MACHINE_PATHS = ("/api/", "/v1/", "/health", "/metrics")
"""Where programs ask."""

MAX_BODY_BYTES = 1024 * 1024
"""Nothing this API takes is longer than a ticket's description, or ten seconds of speech."""
MAX_KNOWLEDGE_BYTES = 16 * 1024 * 1024
"""A knowledge base of 5 MB with every character escaped; what is larger is refused by name."""
KNOWLEDGE_PATHS = ("/knowledge/file", "/knowledge/upload")

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}

_POLICY_VIOLATION = 1008


class Refused(Exception):  # noqa: N818 - carries an answer, like an HTTPException
    """A request that goes no further."""

    def __init__(self, status: HTTPStatus, code: str, message: str, fix: str = "") -> None:
        super().__init__(message)
        self._status = status
        self._error = {"code": code, "message": message, "fix": fix}

    def answer(self, path: str) -> Response:
        """The error's one shape for programs, its sentences for people."""
        if path.startswith(MACHINE_PATHS):
            return JSONResponse({"error": self._error}, status_code=self._status)
        words = f"{self._error['message']}\n{self._error['fix']}\n"
        return PlainTextResponse(words, status_code=self._status)


class Guard:
    """Outermost ASGI layer. Refuses before anything is parsed; marks every answer."""

    def __init__(self, app: ASGIApp, allowed_names: Iterable[str]) -> None:
        self._app = app
        self._allowed_names = {name.casefold() for name in allowed_names} | {"localhost"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        state = scope.setdefault("state", {})

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                _mark(headers)
                # An answer that sets cookies itself (sign-out, a new password) knows better.
                if "fresh_cookie" in state and "set-cookie" not in headers:
                    headers.append("set-cookie", state["fresh_cookie"])
            await send(message)

        try:
            headers = Headers(scope=scope)
            self._check_host(headers.get("host", ""))
            _check_origin(scope["method"], headers)
            is_file = scope["path"] in KNOWLEDGE_PATHS
            most = MAX_KNOWLEDGE_BYTES if is_file else MAX_BODY_BYTES
            limited = _limited(receive, headers.get("content-length", "0"), most)
        except Refused as refused:
            await refused.answer(scope["path"])(scope, receive, send_marked)
            return
        await self._app(scope, limited, send_marked)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Browsers let any page open one to us, cookies and all: only ours may."""
        headers = Headers(scope=scope)
        try:
            self._check_host(headers.get("host", ""))
            _check_origin("POST", headers)
        except Refused:
            await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
            return
        await self._app(scope, receive, send)

    def _check_host(self, host: str) -> None:
        """Only names we were given: a stranger's name that resolves to us (DNS rebinding) would
        let a web page read us. An address cannot be rebound, so every address is fine."""
        name = (_split(f"//{host}").hostname or "").casefold()
        if name in self._allowed_names:
            return
        try:
            ipaddress.ip_address(name)
        except ValueError:
            raise Refused(
                HTTPStatus.MISDIRECTED_REQUEST,
                "unknown-host",
                f"This dashboard does not answer to the name “{name[:100]}”.",
                "Add the name to FRONTDESK_WEB_HOSTS.",
            ) from None


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")


def _check_origin(method: str, headers: Headers) -> None:
    """A change asked for by another site's page is refused, whatever cookies come with it."""
    if method in ("GET", "HEAD", "OPTIONS"):
        return
    origin = headers.get("origin")
    foreign = origin is not None and _split(origin).netloc != headers.get("host")
    if foreign or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Refused(
            HTTPStatus.FORBIDDEN,
            "cross-site",
            "This request was made by another site's page.",
            "Open the dashboard itself and try again there.",
        )


def _limited(receive: Receive, announced: str, most: int) -> Receive:
    """`receive` that stops a body which is announced as, or turns out to be, too long."""
    too_long = f"The request is longer than {most // 1024} kB."
    if announced.isdecimal() and int(announced) > most:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", too_long)
    received_bytes = 0

    async def receive_limited() -> Message:
        nonlocal received_bytes
        message = await receive()
        received_bytes += len(message.get("body", b""))
        if received_bytes > most:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, too_long)
        return message

    return receive_limited


def _mark(headers: MutableHeaders) -> None:
    for name, value in SECURITY_HEADERS.items():
        headers.setdefault(name, value)
    # Everything but static files and recordings shows customers' data: not kept anywhere.
    headers.setdefault("cache-control", "no-store")
