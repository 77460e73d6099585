"""Frames between the Piper process and us: kind, request, length, then that many bytes.

Standard library only, because the worker imports it too.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

HEADER = struct.Struct(">BII")
MAX_PAYLOAD = 64 * 1024 * 1024
"""Twelve minutes of 44.1 kHz audio: a longer frame is a broken stream."""


class Kind(IntEnum):
    """What a frame says. Requests are numbered by us; 0 belongs to none."""

    SPEAK = 1
    """To the worker: the payload is UTF-8 text."""
    CANCEL = 2
    """To the worker: nobody wants this request any more."""
    READY = 3
    """From the worker, once: the payload is the sample rate in Hz, in decimal digits."""
    AUDIO = 4
    """From the worker: little-endian 16-bit samples."""
    DONE = 5
    """From the worker: the request is complete."""
    FAILED = 6
    """From the worker: the payload is the reason. For request 0: the voice cannot be loaded."""


class FrameError(Exception):
    """The bytes are not frames of this protocol."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    kind: Kind
    request: int = 0
    payload: bytes = b""

    def encode(self) -> bytes:
        """The bytes on the pipe."""
        return HEADER.pack(self.kind, self.request, len(self.payload)) + self.payload


def decode_header(header: bytes) -> tuple[Kind, int, int]:
    """Kind, request and payload length. Raises FrameError."""
    kind, request, length = HEADER.unpack(header)
    try:
        known = Kind(kind)
    except ValueError as error:
        raise FrameError(f"frame of unknown kind {kind}") from error
    if length > MAX_PAYLOAD:
        raise FrameError(f"frame of {length} bytes")
    return known, request, length
