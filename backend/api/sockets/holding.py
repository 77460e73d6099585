"""A conversation over a browser's websocket: reading, sending and the call, until one ends."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

import structlog
from fastapi import WebSocket, WebSocketDisconnect

from backend.api.access import RECHECK_S, may_stay
from backend.core.errors import LineError, StoreError
from backend.core.events import CallEvent, EventBus, EventType
from backend.db.models import Role
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

LAST_WORDS_S = 10.0
"""How long a browser may take for what it has not been sent yet when the call is over."""
POLICY_VIOLATION = 1008

OnMessage = Callable[[str | bytes], None]


async def hold(
    websocket: WebSocket,
    outbox: Outbox,
    on_message: OnMessage,
    on_closed: Callable[[], None],
    call: Awaitable[object],
) -> None:
    """Until the call is over; it hears of a browser that goes away, or of a person who was locked
    out, through `on_closed`."""
    sending = asyncio.create_task(_send(outbox, on_closed), name="browser sending")
    reading = asyncio.create_task(_read(websocket, on_message, on_closed), name="browser reading")
    checking = asyncio.create_task(_check(websocket, on_closed), name="browser checking")
    try:
        await call
        outbox.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await sending
    finally:
        for task in (sending, reading, checking):
            task.cancel()
        await asyncio.gather(sending, reading, checking, return_exceptions=True)


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


async def _check(websocket: WebSocket, on_closed: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(RECHECK_S)
        try:
            if await may_stay(websocket, Role.SUPERVISOR):
                continue
        except StoreError as error:
            log.warning("browser-not-checked", code=error.code)
            continue
        on_closed()
        with suppress(WebSocketDisconnect, RuntimeError, OSError):
            await websocket.close(POLICY_VIOLATION, "You are not signed in any more.")
        return


async def _read(websocket: WebSocket, on_message: OnMessage, on_closed: Callable[[], None]) -> None:
    try:
        while (message := await websocket.receive())["type"] == "websocket.receive":
            on_message(message["text"] if message.get("text") is not None else message["bytes"])
    except LineError as error:
        log.warning("browser-refused", code=error.code, reason=error.message)
    finally:
        on_closed()
