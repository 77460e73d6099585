"""One websocket to Asterisk that carries both events and requests (REST over websocket)."""

import asyncio
import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from backend.telephony.ari.errors import AriError
from backend.telephony.websocket import WebSocket

log = structlog.get_logger(__name__)

REQUEST_S = 5.0
"""Asterisk answers within milliseconds, or there is something wrong with it."""

Event = dict[str, Any]
"""An event as Asterisk sends it: `type`, and what that type carries."""


class AriConnection:
    """Requests out, responses matched to them, events to `on_event`. A `websocket.Listener`."""

    def __init__(
        self, on_event: Callable[[Event], None], on_over: Callable[["AriConnection", str], None]
    ) -> None:
        self.websocket: WebSocket
        self._on_event = on_event
        self._on_over = on_over
        self._waiting: dict[str, asyncio.Future[Event]] = {}
        self._numbers = itertools.count(1)

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
    ) -> Any:
        """The JSON of Asterisk's answer (None for an empty one). Raises AriError."""
        number = str(next(self._numbers))
        message: dict[str, Any] = {
            "type": "RESTRequest",
            "request_id": number,
            "method": method,
            "uri": path,
        }
        if query:
            message["query_strings"] = [{"name": k, "value": v} for k, v in query.items()]
        if body is not None:
            message |= {"content_type": "application/json", "message_body": json.dumps(body)}
        answer = await self._exchange(number, json.dumps(message), f"{method} {path}")
        return _result(answer, f"{method} {path}")

    async def _exchange(self, number: str, text: str, what: str) -> Event:
        if not self.websocket.is_open:
            raise not_connected()
        waiting: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        try:
            self.websocket.send_text(text)
            async with asyncio.timeout(REQUEST_S):
                return await waiting
        except TimeoutError as error:
            raise AriError(f"Asterisk did not answer {what} within {REQUEST_S:g} s.") from error
        finally:
            del self._waiting[number]

    def on_text(self, text: str) -> None:
        """Of `Listener`."""
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            log.warning("ari-message-refused", code=AriError.code, characters=len(text))
        elif message["type"] == "RESTResponse":
            waiting = self._waiting.get(str(message.get("request_id")))
            if waiting is not None and not waiting.done():
                waiting.set_result(message)
        else:
            self._on_event(message)

    def on_binary(self, data: bytes) -> None:
        """Of `Listener`."""
        log.warning("ari-message-refused", code=AriError.code, bytes=len(data))

    def on_closed(self, reason: str) -> None:
        """Of `Listener`."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(not_connected())
        self._on_over(self, reason)


def not_connected() -> AriError:
    """For requests that cannot be sent, or whose answer can no longer come."""
    return AriError("Asterisk's REST interface is not connected.", fix="Is Asterisk running?")


def _result(answer: Event, what: str) -> Any:
    status = answer.get("status_code")
    text = answer.get("message_body") or ""
    try:
        body = json.loads(text) if text else None
    except (ValueError, TypeError, RecursionError):
        body = None
    if isinstance(status, int) and 200 <= status < 300:
        return body
    said = body.get("message") if isinstance(body, dict) else None
    reason = str(said or answer.get("reason_phrase") or "no reason given")
    fix = "The ARI user must not be read-only." if status == 403 else ""
    raise AriError(
        f"Asterisk refused {what}: {status} {reason}.",
        status=status if isinstance(status, int) else 0,
        reason=reason,
        fix=fix,
    )
