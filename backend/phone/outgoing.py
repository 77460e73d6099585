"""What the phone has to send: speech cut into packets, and key presses."""

import asyncio
from dataclasses import dataclass, field

from backend.audio.g711 import Law
from backend.phone.rtp import PACKET_S, PACKET_SAMPLES, RATE_HZ, key_event
from backend.phone.track import Span

KEY_S = 0.1
KEY_GAP_S = 0.06
"""Tone and pause of one key: above the 40 ms each that ITU-T Q.24 asks receivers to take."""
_KEY_PACKETS = round(KEY_S / PACKET_S)
_PAUSE_PACKETS = round(KEY_GAP_S / PACKET_S)
_END_PACKETS = 3
"""RFC 4733 §2.5.1.4: the final packet is sent three times."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one `speak` or `send_keys`. Times are `time.monotonic()` seconds."""

    start_s: float
    """When the first packet left."""
    end_s: float
    """When the last sample left, a packet's samples being spread over its 20 ms."""
    voice: Span | None = None
    """First to last voiced sample; None for keys and for silence."""


@dataclass(slots=True)
class Speech:
    """Encoded audio on its way out, one packet a tick."""

    packets: list[bytes]
    bounds: list[tuple[int, int] | None]
    """Voice in each packet, as of `voice.voiced_bounds`."""
    law: Law
    done: asyncio.Future[Sent]
    position: int = 0
    left_at_s: list[float] = field(default_factory=list)

    def note_packet(self, now_s: float) -> None:
        """The packet at `position` leaves now."""
        self.position += 1
        self.left_at_s.append(now_s)

    @property
    def left(self) -> bool:
        """All of it has been sent."""
        return self.position >= len(self.packets)

    @property
    def finished(self) -> bool:
        """The next may begin."""
        return self.left

    def result(self) -> Sent:
        """When it left; for as much as has."""
        voice = self._voice()
        return Sent(self.left_at_s[0], self.left_at_s[-1] + PACKET_S, voice)

    def _voice(self) -> Span | None:
        voiced = [(i, b) for i, b in enumerate(self.bounds[: self.position]) if b is not None]
        if not voiced:
            return None
        (first, (start, _)), (last, (_, end)) = voiced[0], voiced[-1]
        return Span(self.left_at_s[first] + start / RATE_HZ, self.left_at_s[last] + end / RATE_HZ)


@dataclass(slots=True)
class KeyPress:
    """One key as RFC 4733 events: the same timestamp, a growing duration, a threefold end."""

    key: str
    done: asyncio.Future[Sent]
    timestamp: int = 0
    """Set when it begins."""
    packets_sent: int = 0
    left_at_s: list[float] = field(default_factory=list)

    def next_packet(self, now_s: float) -> bytes | None:
        """The event payload that leaves now; None during the pause after the key."""
        self.packets_sent += 1
        if self.packets_sent > _KEY_PACKETS + _END_PACKETS:
            return None
        self.left_at_s.append(now_s)
        tones = min(self.packets_sent, _KEY_PACKETS)
        ending = self.packets_sent > _KEY_PACKETS
        return key_event(self.key, tones * PACKET_SAMPLES, end=ending)

    @property
    def left(self) -> bool:
        """The key has been sent; only the pause after it remains."""
        return self.packets_sent >= _KEY_PACKETS + _END_PACKETS

    @property
    def finished(self) -> bool:
        """The pause is over, too: the next may begin."""
        return self.packets_sent >= _KEY_PACKETS + _END_PACKETS + _PAUSE_PACKETS

    def result(self) -> Sent:
        """When it left."""
        return Sent(self.left_at_s[0], self.left_at_s[-1])
