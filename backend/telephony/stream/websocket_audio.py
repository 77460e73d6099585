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
from picows import WSError, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from backend.audio.g711 import silence_byte
from backend.core.errors import LineError
from backend.telephony.stream.doors import RATE_HZ, PortEvents
from backend.telephony.stream.playout import Playout

log = structlog.get_logger(__name__)

FRAME = 160
"""Bytes of 20 ms: what is no whole frame is dropped by Asterisk, so the rest is silence."""
MESSAGE = 400 * FRAME
"""Bytes of one message; more than 65,000 end the call."""
AHEAD_S = 15.0
"""Audio that Asterisk holds for us: 750 of the 900 frames after which it asks us to stop."""
OPEN_S = 5.0
"""Asterisk is next door: a socket that is not open by then will not be."""
_SILENCE = bytes([silence_byte()])


class WebsocketAudio:
    """See `AudioPort`; open one with `open_websocket_audio`."""

    def __init__(self, events: PortEvents) -> None:
        self._events = events
        self._transport: WSTransport | None = None
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
        if self._transport is not None:
            self._transport.disconnect()

    async def wait_started(self) -> None:
        """Until Asterisk has said MEDIA_START. Raises LineError when it closes instead."""
        await self._started

    # From the socket

    def connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._transport = transport

    def closed(self) -> None:
        """The socket is gone, and with it the call."""
        self._transport = None
        self._waiting.clear()
        if self._refill is not None:
            self._refill.cancel()
        if not self._started.done():
            self._started.set_exception(LineError("Asterisk closed the media websocket at once."))
            # Nobody may be waiting any more.
            self._started.exception()
        self._events.on_gone()

    def audio(self, ulaw: bytes) -> None:
        """A message with audio; it may come before MEDIA_START."""
        self._events.on_audio(ulaw)

    def control(self, text: str) -> None:
        """A message with an event. Others than expected are logged, never fatal."""
        event = _parsed(text)
        match event.get("event"):
            case "MEDIA_START":
                if not self._started.done():
                    self._started.set_result(None)
            case "MEDIA_MARK_PROCESSED":
                self._events.on_mark(str(event.get("correlation_id", "")))
            case "MEDIA_XOFF" | "ERROR" | None:
                log.warning("media-websocket-trouble", received=str(event)[:200])

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
                if self._transport is not None:
                    self._transport.send(WSMsgType.BINARY, item)
            else:
                wait_s = self._playout.left_s(now_s) + len(item) / RATE_HZ - AHEAD_S
                self._refill = asyncio.get_running_loop().call_later(wait_s, self._come_back)
                return
            self._waiting.popleft()

    def _come_back(self) -> None:
        self._refill = None
        self._send_on()

    def _command(self, command: str, **values: str) -> None:
        if self._transport is not None:
            text = json.dumps({"command": command, **values}, separators=(",", ":"))
            self._transport.send(WSMsgType.TEXT, text.encode())


class _Listener(WSListener):
    """Hands messages on, whole ones only."""

    def __init__(self, audio: WebsocketAudio) -> None:
        super().__init__()
        self._audio = audio

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._audio.connected(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        self._audio.closed()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.BINARY:
            self._audio.audio(frame.get_payload_as_bytes())
        elif frame.msg_type is WSMsgType.TEXT:
            self._audio.control(frame.get_payload_as_utf8_text())
        elif frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()


async def open_websocket_audio(
    url: str, headers: dict[str, str], events: PortEvents
) -> WebsocketAudio:
    """Connect to `ws://…/media/<id>` and wait until audio flows. Raises LineError."""
    audio = WebsocketAudio(events)
    try:
        async with asyncio.timeout(OPEN_S):
            await ws_connect(
                lambda: _Listener(audio), url, extra_headers=headers, max_frame_size=1 << 20
            )
            await audio.wait_started()
    except (OSError, WSError, TimeoutError) as error:
        audio.close()
        raise LineError(
            f"Asterisk's media websocket did not open ({error or 'no answer'}).",
            fix="`frontdesk doctor` checks the PBX.",
        ) from error
    return audio


def _parsed(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
