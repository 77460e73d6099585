"""How the recogniser and its workers talk: a JSON header, then samples, each with its length."""

import asyncio
import json
import os
import select
import struct
from collections.abc import Iterator
from typing import Any

Message = tuple[dict[str, Any], bytes]

_LENGTHS = struct.Struct("<II")
_READ_BYTES = 1024 * 1024
LONGEST_BYTES = 64 * 1024 * 1024
"""More than any utterance; a length beyond it is a broken stream."""


def pack(header: dict[str, Any], payload: bytes = b"") -> bytes:
    """One message."""
    head = json.dumps(header).encode()
    return _LENGTHS.pack(len(head), len(payload)) + head + payload


class Inbox:
    """What comes on a pipe, as much as there is of it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._bytes = bytearray()

    def wait(self, wait_s: float | None) -> list[Message] | None:
        """The messages there are once one is, none after that time; None: however long it takes.
        Returns None at the end of the stream."""
        while True:
            ready, _, _ = select.select([self._descriptor], [], [], wait_s)
            if not ready:
                return []
            some = os.read(self._descriptor, _READ_BYTES)
            if not some:
                return None
            self._bytes += some
            if whole := list(self._whole()):
                return whole

    def _whole(self) -> Iterator[Message]:
        at = 0
        while len(self._bytes) >= at + _LENGTHS.size:
            head, payload = _LENGTHS.unpack_from(self._bytes, at)
            body = at + _LENGTHS.size
            end = body + head + payload
            if len(self._bytes) < end:
                break
            yield json.loads(self._bytes[body : body + head]), bytes(self._bytes[body + head : end])
            at = end
        del self._bytes[:at]


async def read_async(stream: asyncio.StreamReader) -> Message:
    """The next message. Raises IncompleteReadError at the end, ValueError for a broken stream."""
    head, payload = _LENGTHS.unpack(await stream.readexactly(_LENGTHS.size))
    if head + payload > LONGEST_BYTES:
        raise ValueError("a message of a worker is impossibly long")
    return json.loads(await stream.readexactly(head)), await stream.readexactly(payload)
