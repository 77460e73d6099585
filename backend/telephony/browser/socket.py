"""What a browser's websocket is to a line: something to send on without waiting."""

import asyncio
import json
from typing import Any, Protocol

import structlog

from backend.core.errors import LineError

log = structlog.get_logger(__name__)

MOST_WAITING = 2000
"""Messages a browser may be behind with; one that has stopped reading is gone."""


class Wire(Protocol):
    """The websocket of a web framework."""

    async def send_text(self, data: str) -> None:
        """One text message."""

    async def send_bytes(self, data: bytes) -> None:
        """One binary message."""

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        """Close it."""


class Outbox:
    """Sends in order what is given without waiting. `run` does the work, and ends with it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._waiting: asyncio.Queue[str | bytes | None] = asyncio.Queue(MOST_WAITING)
        self._closing = False

    def put(self, message: str | bytes) -> None:
        """Send it in its turn. Dropped once closing. Raises LineError when the browser reads
        nothing."""
        if self._closing:
            return
        try:
            self._waiting.put_nowait(message)
        except asyncio.QueueFull as error:
            raise LineError("The browser has stopped reading.") from error

    def tell(self, kind: str, /, **values: Any) -> None:
        """Send a JSON message."""
        self.put(json.dumps({"type": kind, **values}, separators=(",", ":")))

    def close(self) -> None:
        """Send what is waiting, then close."""
        if not self._closing:
            self._closing = True
            if self._waiting.full():
                self._waiting.get_nowait()
            self._waiting.put_nowait(None)

    async def run(self) -> None:
        """Until closed by us or by the browser."""
        while (message := await self._waiting.get()) is not None:
            if isinstance(message, str):
                await self._wire.send_text(message)
            else:
                await self._wire.send_bytes(message)
        await self._wire.close()


def parsed(text: str) -> dict[str, Any]:
    """A JSON object a browser has sent; empty for anything else."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}
