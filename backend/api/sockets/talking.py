"""Websockets of the page "Talk to it": chat, voice without a PBX, following a telephone call."""

import asyncio

import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from backend.api.access import SocketSupervisor
from backend.api.services import ApiServices, services_of
from backend.api.sockets.holding import POLICY_VIOLATION, following, hold, now
from backend.core.errors import LineError
from backend.core.events import CallEvent, EventType
from backend.core.ids import new_call_id
from backend.telephony.browser.audio import rate_of
from backend.telephony.browser.control import BrowserControl
from backend.telephony.browser.socket import Outbox, parsed
from backend.telephony.stream.line import StreamLine
from backend.telephony.text import TextLine

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/talk")

START_S = 5.0
"""How long a browser may take to say at which rate it sends."""
LONGEST_TYPED = 1000
"""Characters of one chat message; a caller says no more in one breath."""
MOST_TYPED = 50
"""Messages that may wait for their turn."""
UNTYPED_S = 600.0
"""A page that was forgotten must not keep a line from callers for ever."""
BUSY = "All lines are busy. Please try again in a moment."


@router.websocket("/chat")
async def chat(websocket: WebSocket, who: SocketSupervisor) -> None:
    """The same agent, typed to. The browser sends `{"type": "say", "text": …}`."""
    services = services_of(websocket)
    outbox = await _welcome(websocket, services)
    if outbox is None:
        return
    typed: asyncio.Queue[str | None] = asyncio.Queue()

    def on_message(message: str | bytes) -> None:
        said = parsed(message) if isinstance(message, str) else {}
        if said.get("type") == "say":
            if typed.qsize() >= MOST_TYPED:
                raise LineError("More is typed than anybody can answer.")
            typed.put_nowait(str(said.get("text", ""))[:LONGEST_TYPED])

    async def next_typed() -> str | None:
        try:
            async with asyncio.timeout(UNTYPED_S):
                return await typed.get()
        except TimeoutError:
            return None

    call_id = new_call_id(now())
    line = TextLine(call_id, next_typed, lambda sentence: None, caller=who.name)
    with following(services.events, outbox, lambda event: event.call_id == call_id):
        call = services.bot_parts.center.take(line)
        await hold(websocket, outbox, on_message, lambda: typed.put_nowait(None), call)


@router.websocket("/voice")
async def voice(websocket: WebSocket, who: SocketSupervisor) -> None:
    """A call whose audio comes over this websocket: see `backend.telephony.browser.audio`."""
    services = services_of(websocket)
    outbox = await _welcome(websocket, services)
    if outbox is None:
        return
    try:
        async with asyncio.timeout(START_S):
            rate_hz = rate_of(await websocket.receive_text())
    except WebSocketDisconnect:
        return
    except (LineError, TimeoutError, KeyError) as error:
        await websocket.close(POLICY_VIOLATION, str(error)[:100])
        return
    bot = services.bot_parts
    control = BrowserControl(new_call_id(now()), who.name, outbox, rate_hz)
    line = StreamLine(control, bot.stream)
    call_id = control.info.call_id

    async def call() -> None:
        try:
            await bot.center.take(line)
        finally:
            await line.close()

    with following(services.events, outbox, lambda event: event.call_id == call_id):
        await hold(websocket, outbox, control.on_message, control.on_closed, call())


@router.websocket("/follow/{account}")
async def follow(websocket: WebSocket, account: str, who: SocketSupervisor) -> None:
    """What happens in the call that comes from this telephone account."""
    services = services_of(websocket)
    bot = services.bot_parts
    await websocket.accept()
    if bot.phones is None or not bot.phones.belongs(account, who.name):
        await websocket.close(POLICY_VIOLATION, "This telephone account is not there any more.")
        return
    outbox = Outbox(websocket)
    over = asyncio.Event()
    calls: set[str] = set()

    def is_ours(event: CallEvent) -> bool:
        if event.type is EventType.CALL_STARTED and event.data["caller"] == account:
            calls.add(event.call_id)
        return event.call_id in calls

    with following(services.events, outbox, is_ours):
        outbox.tell("following")
        await hold(websocket, outbox, lambda message: None, over.set, over.wait())


async def _welcome(websocket: WebSocket, services: ApiServices) -> Outbox | None:
    """Accept, unless there is no room for one more call; the browser is told why."""
    await websocket.accept()
    outbox = Outbox(websocket)
    if not services.bot_parts.center.is_full:
        return outbox
    outbox.tell("refused", message=BUSY)
    outbox.close()
    await outbox.run()
    return None
