"""How the recogniser and its workers talk: a JSON header, then samples, each with its length."""

import asyncio
import json
import struct
from typing import Any, BinaryIO

_LENGTHS = struct.Struct("<II")
LONGEST_BYTES = 64 * 1024 * 1024
"""More than any utterance; a length beyond it is a broken stream."""


def pack(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """One message."""
    head = json.dumps(header).encode()
    return _LENGTHS.pack(len(head), len(payload)) + head + payload


def read(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """The next message; None at the end of the stream."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head, payload = _LENGTHS.unpack(lengths)
    return json.loads(stream.read(head)), stream.read(payload)


async def read_async(stream: asyncio.StreamReader) -> tuple[dict[str, Any], bytes]:
    """The next message. Raises IncompleteReadError at the end, ValueError for a broken stream."""
    head, payload = _LENGTHS.unpack(await stream.readexactly(_LENGTHS.size))
    if head + payload > LONGEST_BYTES:
        raise ValueError("a message of a worker is impossibly long")
    return json.loads(await stream.readexactly(head)), await stream.readexactly(payload)
