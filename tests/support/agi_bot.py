"""A bot of a few lines: says given FastAGI commands on every call, then lets go of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from backend.config import Settings


@dataclass
class AgiBot:
    """What happened on its calls."""

    environment: dict[str, str] = field(default_factory=dict)
    replies: list[str] = field(default_factory=list)
    busy_with: dict[str, asyncio.Event] = field(default_factory=dict)
    """Set when the command has been sent."""
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)

    def die(self) -> None:
        """Reset every connection, as the kernel does for a process killed with -9."""
        for writer in self._writers:
            writer.transport.abort()


@asynccontextmanager
async def agi_bot(settings: Settings, commands: Sequence[str]) -> AsyncIterator[AgiBot]:
    """Listens on `settings.agi_port`."""
    bot = AgiBot(busy_with={command: asyncio.Event() for command in commands})

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bot._writers.append(writer)
        try:
            head = (await reader.readuntil(b"\n\n")).decode()
            bot.environment = dict(line.split(": ", 1) for line in head.splitlines() if line)
            for command in commands:
                writer.write(f"{command}\n".encode())
                bot.busy_with[command].set()
                bot.replies.append(await _reply(reader))
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", settings.agi_port)
    async with server:
        yield bot


async def _reply(reader: asyncio.StreamReader) -> str:
    """The final reply; GOSUB first says `100 … Trying`."""
    while (line := await reader.readline()).startswith(b"100"):
        pass
    return line.decode().strip()
