"""A browser's websocket as an `AudioPort`, and what the browser sends as a caller's audio.

To the browser: binary messages are 8 kHz 16-bit PCM to append to what is being played;
`{"type": "mark", "name": …}` is sent back once everything before it has been played;
`{"type": "flush"}` is silence at once. From the browser: binary messages are 16-bit PCM at the rate
of its `{"type": "start", "rate_hz": …}`; `mark`, `{"type": "key", "key": …}` and
`{"type": "hang-up"}`.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import structlog

from backend.audio.g711 import decode, encode
from backend.audio.resample import Quality, Resampler
from backend.core.errors import LineError
from backend.telephony.browser.socket import Outbox, parsed
from backend.telephony.stream.doors import RATE_HZ, PortEvents

log = structlog.get_logger(__name__)

LOWEST_RATE_HZ = 8000
HIGHEST_RATE_HZ = 192_000
LONGEST_MESSAGE = HIGHEST_RATE_HZ * 2
"""Bytes: a second of the fastest audio; worklets send a hundredth of that."""
KEYS = frozenset("0123456789*#")


class BrowserAudio:
    """See `AudioPort`."""

    def __init__(self, outbox: Outbox, events: PortEvents, rate_hz: int) -> None:
        self._outbox = outbox
        self._events = events
        self._resampler = _to_telephone(rate_hz)
        self._actions: dict[str, Callable[[dict[str, Any]], None]] = {
            "mark": lambda message: events.on_mark(str(message.get("name", ""))),
            "key": self._key,
            "hang-up": lambda message: events.on_gone(),
        }

    def play(self, ulaw: bytes) -> None:
        """See the door."""
        self._outbox.put(decode(ulaw).astype("<i2").tobytes())

    def mark(self, name: str) -> None:
        """See the door."""
        self._outbox.tell("mark", name=name)

    def flush(self) -> None:
        """See the door."""
        self._outbox.tell("flush")

    # From the browser

    def on_binary(self, data: bytes) -> None:
        """The caller's audio. Raises LineError for what cannot be audio."""
        if len(data) % 2 or len(data) > LONGEST_MESSAGE:
            raise LineError(f"{len(data)} bytes are no 16-bit audio.")
        pcm = self._resampler.feed(np.frombuffer(data, dtype="<i2").astype(np.int16))
        if len(pcm):
            self._events.on_audio(encode(pcm))

    def on_text(self, text: str) -> None:
        """Something that happened there; what is not understood is ignored."""
        message = parsed(text)
        action = self._actions.get(str(message.get("type")))
        if action is not None:
            action(message)

    def on_closed(self) -> None:
        """The browser is gone, and with it the caller."""
        self._events.on_gone()

    def _key(self, message: dict[str, Any]) -> None:
        key = str(message.get("key"))
        if key in KEYS:
            self._events.on_key(key)


def rate_of(text: str) -> int:
    """The sample rate a browser starts with. Raises LineError when it tells none that can be."""
    message = parsed(text)
    rate_hz = message.get("rate_hz")
    if (
        message.get("type") != "start"
        or not isinstance(rate_hz, int)
        or not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ
    ):
        raise LineError("The browser did not say at which rate it sends its audio.")
    return rate_hz


def _to_telephone(rate_hz: int) -> Resampler:
    return Resampler(rate_hz, RATE_HZ, Quality.LOW_LATENCY)
