"""A conversation over a browser's websocket: reading, sending and the call, until one ends."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import structlog
from fastapi import WebSocket, WebSocketDisconnect

from backend.core.errors import LineError
from backend.core.events import CallEvent, EventBus, EventType
from backend.telephony.browser.socket import Outbox

log = structlog.get_logger(__name__)

SHOWN = frozenset(
    {
        EventType.CALL_STARTED,
        EventType.CALLER_SPEAKING,
        EventType.CALLER_SAYS,
        EventType.CALLER_SAID,
        EventType.CALLER_INTERRUPTED,
        EventType.UNDERSTOOD,
        EventType.BOT_SAYS,
        EventType.BOT_SAID,
        EventType.CUSTOMER_IDENTIFIED,
        EventType.TICKET_OPENED,
        EventType.CALL_ENDED,
    }
)
"""Events the page shows while somebody talks."""

OnMessage = Callable[[str | bytes], None]


async def hold(
    websocket: WebSocket,
    outbox: Outbox,
    on_message: OnMessage,
    on_closed: Callable[[], None],
    call: Awaitable[object],
) -> None:
    """Until the call is over; it hears of a browser that goes away through `on_closed`."""
    sending = asyncio.create_task(_send(outbox, on_closed), name="browser sending")
    reading = asyncio.create_task(_read(websocket, on_message, on_closed), name="browser reading")
    try:
        await call
        outbox.close()
        await sending
    finally:
        for task in (sending, reading):
            task.cancel()
        await asyncio.gather(sending, reading, return_exceptions=True)


@contextmanager
def following(
    bus: EventBus, outbox: Outbox, is_ours: Callable[[CallEvent], bool]
) -> Iterator[None]:
    """Tell the browser what happens in a call, for the length of a `with` block."""

    def listen(event: CallEvent) -> None:
        if event.type in SHOWN and is_ours(event):
            outbox.tell("event", event=event.type, call_id=event.call_id, **event.data)

    with bus.listening(listen):
        yield


def now() -> datetime:
    """This moment, aware."""
    return datetime.now(UTC)


async def _send(outbox: Outbox, on_closed: Callable[[], None]) -> None:
    try:
        await outbox.run()
    except (WebSocketDisconnect, RuntimeError, OSError):  # closed under our hands
        on_closed()


async def _read(websocket: WebSocket, on_message: OnMessage, on_closed: Callable[[], None]) -> None:
    try:
        while (message := await websocket.receive())["type"] == "websocket.receive":
            on_message(message["text"] if message.get("text") is not None else message["bytes"])
    except LineError as error:
        log.warning("browser-refused", code=error.code, reason=error.message)
    finally:
        on_closed()
