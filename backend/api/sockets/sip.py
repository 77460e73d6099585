"""SIP over a websocket, passed on to the own PBX: the browser needs no other port than ours."""

import asyncio
import re

import structlog
from fastapi import APIRouter, WebSocket

from backend.api.access import SocketSupervisor
from backend.api.services import services_of
from backend.api.sockets.holding import POLICY_VIOLATION, hold
from backend.core.errors import LineError
from backend.telephony.browser.socket import Outbox
from backend.telephony.websocket import connect

log = structlog.get_logger(__name__)

router = APIRouter(prefix="/talk")

PROTOCOL = "sip"
LONGEST_MESSAGE = 64 * 1024
LONGEST_S = 3600.0
"""An account is short-lived, however long the page stays open."""
GOING_AWAY = 1001
TRY_AGAIN_LATER = 1013


_FROM = re.compile(r"^(?:from|f)[ \t]*:[^\r\n]*?sips?:([^@;>\r\n]*)@", re.I | re.M)


def speaks_as(account: str, message: str) -> bool:
    """Whether a SIP message says that it is from this account: to Asterisk all that come through
    us come from this machine, which may be allowed more than the account is."""
    if not message.strip() or message.startswith("SIP/2.0 "):  # to keep it open; an answer
        return True
    names = _FROM.findall(message.partition("\r\n\r\n")[0])
    return bool(names) and set(names) == {account}


class _FromPbx:
    """Hands Asterisk's messages to the browser."""

    def __init__(self, outbox: Outbox, over: asyncio.Event) -> None:
        self._outbox = outbox
        self._over = over

    def on_text(self, text: str) -> None:
        self._outbox.put(text)

    def on_binary(self, data: bytes) -> None:
        self._outbox.put(data)

    def on_closed(self, reason: str) -> None:
        log.debug("sip-websocket-closed", reason=reason)
        self._over.set()


@router.websocket("/sip/{account}")
async def sip(websocket: WebSocket, account: str, who: SocketSupervisor) -> None:
    """For the account's owner, once; the account goes when the connection does."""
    bot = services_of(websocket).bot_parts
    await websocket.accept(subprotocol=PROTOCOL)
    if bot.phones is None:
        await websocket.close(POLICY_VIOLATION, "There is no PBX of ours.")
        return
    outbox = Outbox(websocket)
    over = asyncio.Event()
    try:
        bot.phones.use(account, who.name)
    except LineError as error:
        # It may be somebody's, with a call on it: not ours to remove.
        await websocket.close(POLICY_VIOLATION, error.message[:100])
        return
    try:
        pbx = await connect(bot.sip_url, _FromPbx(outbox, over), protocol=PROTOCOL)
    except LineError as error:
        await bot.phones.remove(account)
        await websocket.close(TRY_AGAIN_LATER, error.message[:100])
        return

    def on_message(message: str | bytes) -> None:
        text = message if isinstance(message, str) else message.decode(errors="replace")
        if len(text) > LONGEST_MESSAGE:
            raise LineError("A SIP message is longer than any.")
        if not speaks_as(account, text):
            raise LineError("A SIP message is from somebody else than the account's owner.")
        pbx.send_text(text)

    try:
        async with asyncio.timeout(LONGEST_S):
            await hold(websocket, outbox, on_message, over.set, over.wait())
    except TimeoutError:
        await websocket.close(GOING_AWAY, "The telephone account has expired.")
    finally:
        pbx.close()
        await bot.phones.remove(account)
