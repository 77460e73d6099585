"""A local server that speaks Ollama's wire format, and every way of failing at it.

`openai_server` is the same in the other format.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

MODEL = "tiny-test"
STEPS_TO_SERVE = 5
"""Turns of the event loop from a connection that was accepted to `serve`, which closes it."""


@dataclass(frozen=True)
class Piece:
    """One generated piece of text."""

    text: str


@dataclass(frozen=True)
class Call:
    """A tool call; `arguments` is its JSON, right or wrong."""

    name: str
    arguments: str
    index: int = 0


@dataclass(frozen=True)
class Done:
    """The end of an answer as Ollama marks it."""

    reason: str = "stop"


@dataclass(frozen=True)
class Line:
    """Any line instead of a proper one."""

    raw: bytes


@dataclass(frozen=True)
class Refuse:
    """An HTTP error instead of an answer."""

    status: int
    error: str


@dataclass(frozen=True)
class Garbage:
    """Bytes that are not HTTP."""

    raw: bytes


class Hang:
    """Nothing more comes."""


class CutOff:
    """The connection breaks in the middle of the stream."""


class Stop:
    """The stream ends properly as HTTP, but without the line that ends an answer."""


@dataclass(frozen=True)
class WaitFor:
    """Goes on when the test says so."""

    event: asyncio.Event


Script = Sequence[Piece | Call | Done | Line | Refuse | Garbage | Hang | CutOff | Stop | WaitFor]


@dataclass
class OllamaServer:
    """Plays one script for each request; the last one for all further ones."""

    path: ClassVar[str] = "/api/chat"
    content_type: ClassVar[str] = "application/x-ndjson"

    scripts: list[Script]
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    """Of each request, in lower case."""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    """A request has arrived."""
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """The client closed the connection before the answer was complete."""
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    """Of every connection there was."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while await self._request(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        assert lines[0].startswith(f"POST {self.path} "), lines[0]
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        self.headers.append(headers)
        self.requests.append(json.loads(await reader.readexactly(int(headers["content-length"]))))
        self.asked.set()
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        for number, act in enumerate(script):
            if number == 0 and not isinstance(act, Refuse | Garbage):
                writer.write(
                    f"HTTP/1.1 200 OK\r\nContent-Type: {self.content_type}\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n".encode()
                )
            if not await self._act(act, reader, writer):
                return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def _act(
        self, act: object, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        match act:
            case Piece(text):
                await chunk(writer, self.piece(text))
            case Call():
                for raw in self.call(act):
                    await chunk(writer, raw)
            case Done(reason):
                await chunk(writer, self.done(reason))
            case Line(raw):
                await chunk(writer, raw + b"\n")
            case Refuse(status, error):
                body = self.error(status, error)
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n".encode())
                writer.write(b"Content-Type: application/json\r\n\r\n" + body)
                await writer.drain()
                return False
            case Garbage(raw):
                writer.write(raw)
                await writer.drain()
                return False
            case WaitFor(event):
                await event.wait()
            case Hang():
                await reader.readexactly(1)  # until the client gives up
            case CutOff():
                return False
        return True

    def piece(self, text: str) -> bytes:
        return line({"message": message(text), "done": False})

    def call(self, call: Call) -> list[bytes]:
        """Whole, as Ollama sends it. What a model wrote badly never gets this far there."""
        arguments = call.arguments
        with suppress(ValueError):
            arguments = json.loads(arguments)
        function = {"name": call.name, "arguments": arguments}
        return [line({"message": {**message(""), "tool_calls": [{"function": function}]}})]

    def done(self, reason: str) -> bytes:
        end = {"message": message(""), "done": True, "done_reason": reason}
        return line({**end, "total_duration": 5_000_000, "eval_count": 9})

    def error(self, status: int, error: str) -> bytes:
        return json.dumps({"error": error}).encode()


Server = TypeVar("Server", bound=OllamaServer)


def message(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def line(part: dict[str, Any]) -> bytes:
    head = {"model": MODEL, "created_at": "2026-11-21T09:00:00.000000Z"}
    return json.dumps({**head, **part}).encode() + b"\n"


async def chunk(writer: asyncio.StreamWriter, raw: bytes) -> None:
    writer.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")
    await writer.drain()


@asynccontextmanager
async def ollama(*scripts: Script) -> AsyncIterator[OllamaServer]:
    """A server on an ephemeral loopback port."""
    async with listening(OllamaServer(list(scripts))) as server:
        yield server


@asynccontextmanager
async def listening(fake: Server) -> AsyncIterator[Server]:
    """`fake` on an ephemeral loopback port."""
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    fake.url = f"http://127.0.0.1:{port}"
    try:
        yield fake
    finally:
        server.close()
        for _ in range(STEPS_TO_SERVE):
            await asyncio.sleep(0)
        for writer in fake.writers:
            writer.close()
        await asyncio.gather(*(w.wait_closed() for w in fake.writers), return_exceptions=True)


def pieces(text: str) -> list[Piece]:
    """A text as a model streams it: word by word."""
    words = text.split(" ")
    return [Piece(words[0]), *(Piece(f" {word}") for word in words[1:])]
