"""RTP packets (RFC 3550) and key presses inside them (RFC 4733)."""

import struct
from typing import NamedTuple

from backend.core.errors import LineError

RATE_HZ = 8000
"""G.711's sample rate and RTP clock."""
PACKET_SAMPLES = 160
PACKET_S = PACKET_SAMPLES / RATE_HZ
HEADER_BYTES = 12

_HEADER = struct.Struct("!BBHII")
_EVENT = struct.Struct("!BBH")
_KEYS = "0123456789*#ABCD"
_EVENT_VOLUME = 10
"""-10 dBm0, within RFC 4733's range of valid tones (0 to -55)."""


class RtpPacket(NamedTuple):
    """One packet as received."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def pack_header(
    payload_type: int, sequence: int, timestamp: int, ssrc: int, *, marker: bool = False
) -> bytes:
    """The 12 bytes before the payload. Sequence and timestamp wrap."""
    second = payload_type | (0x80 if marker else 0)
    return _HEADER.pack(0x80, second, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc)


def parse_packet(data: bytes) -> RtpPacket:
    """A datagram as RTP. Raises LineError when it is not."""
    if len(data) < HEADER_BYTES or data[0] >> 6 != 2:
        raise LineError("A datagram on the audio port is not RTP.")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    start, end = HEADER_BYTES, len(data)
    if first != 0x80:
        start, end = _payload_bounds(data, first)
    return RtpPacket(
        second & 0x7F, second >= 0x80, sequence, timestamp, ssrc, bytes(data[start:end])
    )


def _payload_bounds(data: bytes, first: int) -> tuple[int, int]:
    start, end = HEADER_BYTES + 4 * (first & 0x0F), len(data)
    if first & 0x10:
        if len(data) < start + 4:
            raise LineError("An RTP packet's header extension is cut short.")
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
    if first & 0x20:
        end -= data[-1]
    if start > end:
        raise LineError("An RTP packet is shorter than its own header says.")
    return start, end


def check_key(key: str) -> str:
    """The key as events name it. Raises LineError when telephones have no such key."""
    if len(key) != 1 or key.upper() not in _KEYS:
        raise LineError(f"{key!r} is not a telephone key.", fix=f"Keys are {_KEYS}.")
    return key.upper()


def key_event(key: str, duration: int, *, end: bool) -> bytes:
    """The payload of a telephone-event; `key` from `check_key`, `duration` in samples."""
    volume = _EVENT_VOLUME | (0x80 if end else 0)
    return _EVENT.pack(_KEYS.index(key), volume, min(duration, 0xFFFF))
