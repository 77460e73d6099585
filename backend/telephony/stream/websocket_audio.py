"""Asterisk's media websocket (`chan_websocket`, JSON control) as an `AudioPort`.

What was measured of it on 22.10: no pacing is needed up to 900 frames of 20 ms, beyond 1000 frames
are dropped; a message may have 65,000 bytes; commands may have 128; FLUSH_MEDIA silences within a
frame and forgets pending marks.
"""

import asyncio
import json
import time
from collections import deque
from typing import Any

import structlog

from backend.audio.g711 import silence_byte
from backend.core.errors import LineError
from backend.telephony.stream.doors import RATE_HZ, PortEvents
from backend.telephony.stream.playout import Playout
from backend.telephony.websocket import WebSocket, connect

log = structlog.get_logger(__name__)

FRAME = 160
"""Bytes of 20 ms: what is no whole frame is dropped by Asterisk, so the rest is silence."""
MESSAGE = 400 * FRAME
"""Bytes of one message; more than 65,000 end the call."""
AHEAD_S = 15.0
"""Audio that Asterisk holds for us: 750 of the 900 frames after which it asks us to stop."""
START_S = 5.0
"""Asterisk is next door: media that have not started by then will not."""
_SILENCE = bytes([silence_byte()])


class WebsocketAudio:
    """See `AudioPort`; open one with `open_websocket_audio`."""

    def __init__(self, events: PortEvents) -> None:
        self._events = events
        self._websocket: WebSocket | None = None
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._playout = Playout()
        self._waiting: deque[bytes | str] = deque()
        """Audio and marks beyond what Asterisk may hold."""
        self._refill: asyncio.TimerHandle | None = None

    def play(self, ulaw: bytes) -> None:
        """See the door. Asterisk takes whole frames: an incomplete one is filled with silence."""
        ulaw += _SILENCE * (-len(ulaw) % FRAME)
        for start in range(0, len(ulaw), MESSAGE):
            self._waiting.append(ulaw[start : start + MESSAGE])
        self._send_on()

    def mark(self, name: str) -> None:
        """See the door."""
        self._waiting.append(name)
        self._send_on()

    def flush(self) -> None:
        """See the door."""
        self._waiting.clear()
        self._playout = Playout()
        self._command("FLUSH_MEDIA")

    def close(self) -> None:
        """Close the socket; Asterisk ends its channel."""
        if self._refill is not None:
            self._refill.cancel()
        self._waiting.clear()
        if self._websocket is not None:
            self._websocket.close()

    async def wait_started(self) -> None:
        """Until Asterisk has said MEDIA_START. Raises LineError when it closes instead."""
        await self._started

    # From the websocket (`backend.telephony.websocket.Listener`)

    def attach(self, websocket: WebSocket) -> None:
        """The handshake is done; messages may have come already."""
        self._websocket = websocket

    def on_binary(self, data: bytes) -> None:
        """Audio; it may come before MEDIA_START."""
        self._events.on_audio(data)

    def on_text(self, text: str) -> None:
        """An event. Others than expected are logged, never fatal."""
        event = _parsed(text)
        match event.get("event"):
            case "MEDIA_START":
                if not self._started.done():
                    self._started.set_result(None)
            case "MEDIA_MARK_PROCESSED":
                self._events.on_mark(str(event.get("correlation_id", "")))
            case "MEDIA_XOFF" | "ERROR" | None:
                log.warning("media-websocket-trouble", code=LineError.code, characters=len(text))

    def on_closed(self, reason: str) -> None:
        """The socket is gone, and with it the call."""
        self.close()
        if not self._started.done():
            self._started.set_exception(LineError(f"Asterisk's media websocket: {reason}."))
            self._started.exception()  # nobody may be waiting any more
        self._events.on_gone()

    def _send_on(self) -> None:
        """Send what there is room for; come back for the rest."""
        if self._refill is not None:
            return
        now_s = time.monotonic()
        while self._waiting:
            item = self._waiting[0]
            if isinstance(item, str):
                self._command("MARK_MEDIA", correlation_id=item)
            elif self._playout.left_s(now_s) + len(item) / RATE_HZ <= AHEAD_S:
                self._playout.add(now_s, len(item))
                if self._websocket is not None:
                    self._websocket.send_binary(item)
            else:
                wait_s = self._playout.left_s(now_s) + len(item) / RATE_HZ - AHEAD_S
                self._refill = asyncio.get_running_loop().call_later(wait_s, self._come_back)
                return
            self._waiting.popleft()

    def _come_back(self) -> None:
        self._refill = None
        self._send_on()

    def _command(self, command: str, **values: str) -> None:
        if self._websocket is not None:
            self._websocket.send_text(
                json.dumps({"command": command, **values}, separators=(",", ":"))
            )


async def open_websocket_audio(
    url: str, events: PortEvents, *, user: str = "", password: str = ""
) -> WebsocketAudio:
    """Connect to `ws://…/media/<id>` and wait until audio flows. Raises LineError."""
    audio = WebsocketAudio(events)
    audio.attach(await connect(url, audio, user=user, password=password))
    try:
        async with asyncio.timeout(START_S):
            await audio.wait_started()
    except TimeoutError as error:
        audio.close()
        raise LineError(
            "Asterisk's media websocket opened, but no media came.",
            fix="`frontdesk doctor` checks the PBX.",
        ) from error
    return audio


def _parsed(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
