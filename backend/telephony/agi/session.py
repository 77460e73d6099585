"""One FastAGI connection: commands out, replies in, strictly one at a time."""

import asyncio
from asyncio import StreamReader, StreamWriter
from typing import Self

import structlog

from backend.core.errors import HungUp, LineError
from backend.telephony.agi import protocol
from backend.telephony.agi.protocol import AgiReply

log = structlog.get_logger(__name__)

ENVIRONMENT_S = 5.0
"""Asterisk sends its environment within a millisecond; who needs longer is not Asterisk."""
COMMAND_S = 5.0
"""Longest wait for a command that does not play or record (they answer in 0.05 ms)."""
GRACE_S = 10.0
"""Added to the length of what is played or recorded."""
CHANNEL_UP = 6
"""`CHANNEL STATUS` of an answered call."""


class AgiSession:
    """Commands for one channel.

    Every command raises HungUp once the caller has left or the connection is gone, and LineError
    when the peer does not speak AGI or does not answer in time (the session is closed then: a
    late reply must not be taken for the next command's).
    """

    def __init__(
        self, reader: StreamReader, writer: StreamWriter, environment: dict[str, str]
    ) -> None:
        self.environment = environment
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()
        self._hung_up = False
        self._closed = False

    @classmethod
    async def open(cls, reader: StreamReader, writer: StreamWriter) -> Self:
        """Read the environment. Raises LineError for a peer that is not Asterisk."""
        lines: list[str] = []
        try:
            async with asyncio.timeout(ENVIRONMENT_S):
                while line := await _read_line(reader):
                    lines.append(line)
                    if len(lines) > protocol.MAX_ENVIRONMENT_LINES:
                        raise LineError("The AGI environment never ends.")
        except TimeoutError:
            raise LineError("The AGI environment did not arrive in time.") from None
        except EOFError:
            raise LineError("The peer closed before the AGI environment was complete.") from None
        return cls(reader, writer, protocol.parse_environment(lines))

    @property
    def hung_up(self) -> bool:
        """Whether the caller is known to have left."""
        return self._hung_up

    async def answer(self) -> None:
        """Pick up."""
        await self._media("ANSWER", wait_s=COMMAND_S)

    async def stream_file(self, path: str, keys: str, length_s: float) -> AgiReply:
        """Play a file (absolute path without extension) until a key of `keys` is pressed."""
        return await self._media("STREAM FILE", path, keys, wait_s=length_s + GRACE_S)

    async def record_file(
        self, path: str, audio_format: str, keys: str, longest_s: float, silence_s: int
    ) -> AgiReply:
        """Record until silence, a key or the time limit; `endpos` counts samples."""
        return await self._media(
            "RECORD FILE",
            path,
            audio_format,
            keys,
            str(round(longest_s * 1000)),
            f"s={silence_s}",
            wait_s=longest_s + GRACE_S,
        )

    async def get_data(self, prompt: str, between_s: float, max_digits: int) -> str:
        """Keyed digits: up to `max_digits`, ended by `#` or by `between_s` without a key."""
        reply = await self._media(
            "GET DATA",
            prompt,
            str(round(between_s * 1000)),
            str(max_digits),
            wait_s=between_s * (max_digits + 1) + GRACE_S,
        )
        return reply.result if reply.result != "-1" else ""

    async def execute(self, application: str, argument: str, wait_s: float) -> int:
        """Run a dialplan application. Raises LineError when Asterisk has no such application."""
        reply = await self._media("EXEC", application, argument, wait_s=wait_s)
        if reply.number == -2:
            raise LineError(
                f"Asterisk has no application {application}.",
                fix="Load its module (modules.conf).",
            )
        return reply.number or 0

    async def gosub(self, context: str, extension: str, argument: str, wait_s: float) -> None:
        """Run a dialplan subroutine from its first priority."""
        await self._media("GOSUB", context, extension, "1", argument, wait_s=wait_s)

    async def set_variable(self, name: str, value: str) -> None:
        """Set a channel variable; works after a hang-up too."""
        await self.command("SET VARIABLE", name, value)

    async def get_variable(self, name: str) -> str:
        """A channel variable's value; empty when it has none."""
        return (await self.command("GET VARIABLE", name)).note

    async def channel_is_up(self) -> bool:
        """Whether the caller is still there."""
        reply = await self.command("CHANNEL STATUS")
        return reply.code == protocol.OK and reply.number == CHANNEL_UP

    async def hang_up(self) -> None:
        """Ask Asterisk to end the call. Safe when it has ended already."""
        if not self._hung_up:
            await self.command("HANGUP")
        self._hung_up = True

    async def close(self) -> None:
        """Close the connection; the dialplan goes on. Safe more than once."""
        if self._closed:
            return
        self._closed = True
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            log.debug("agi-close-failed", channel=self.environment.get("agi_channel", ""))

    async def _media(self, verb: str, *arguments: str, wait_s: float) -> AgiReply:
        """A command that needs the caller: a dead channel is a hang-up."""
        reply = await self.command(verb, *arguments, wait_s=wait_s)
        if reply.note == "hangup" or reply.code == protocol.DEAD_CHANNEL or self._hung_up:
            self._hung_up = True
            raise HungUp
        if reply.number == -1 and not await self.channel_is_up():
            self._hung_up = True
            raise HungUp
        return reply

    async def command(self, verb: str, *arguments: str, wait_s: float = COMMAND_S) -> AgiReply:
        """Send one command and wait for its reply.

        Raises HungUp when the connection is gone; LineError for a broken peer or bad command.
        """
        line = protocol.format_command(verb, *arguments)
        async with self._turn:
            if self._closed:
                raise HungUp
            try:
                async with asyncio.timeout(wait_s):
                    reply = await self._exchange(line)
            except (EOFError, ConnectionError):
                self._hung_up = True
                await self.close()
                raise HungUp from None
            except TimeoutError:
                await self.close()
                raise LineError(f"Asterisk did not answer {verb} in {wait_s:.0f} s.") from None
            except (LineError, asyncio.CancelledError):
                # The reply is still to come: nothing after it could be trusted.
                await self.close()
                raise
        if reply.code in (protocol.UNKNOWN_COMMAND, protocol.USAGE):
            raise LineError(f"Asterisk refused {verb}: {reply.code} {reply.note}.")
        return reply

    async def _exchange(self, line: str) -> AgiReply:
        self._writer.write(line.encode() + b"\n")
        await self._writer.drain()
        first: AgiReply | None = None
        while True:
            text = await _read_line(self._reader)
            if text == "HANGUP":
                self._hung_up = True
                continue
            if first is not None:
                # Inside a usage block: free text up to the line that ends it.
                if text.startswith("520 "):
                    return first
                continue
            reply, more = protocol.parse_reply(text)
            if reply.code == protocol.TRYING:
                continue
            if not more:
                return reply
            first = reply


async def _read_line(reader: StreamReader) -> str:
    """One line without its end. Raises EOFError at the end, LineError for endless lines."""
    try:
        raw = await reader.readuntil(b"\n")
    except asyncio.IncompleteReadError:
        raise EOFError from None
    except asyncio.LimitOverrunError:
        raise LineError("An AGI line is too long.") from None
    return raw.decode("utf-8", "replace").rstrip("\r\n")
