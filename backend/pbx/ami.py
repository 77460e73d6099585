"""Asterisk's manager interface (AMI), as much of it as looking after callers takes.

A connection is opened for each piece of work: there is no state to lose when Asterisk restarts,
and an action that could not be sent is never sent late.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backend.core.errors import PbxError

AMI_USER = "frontdesk"
_TIMEOUT_S = 5.0
_MAX_MESSAGE = 256 * 1024

Message = dict[str, str]
"""One AMI message: its headers, names in lower case."""


class Ami:
    """A signed-in connection. One action at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._count = 0

    async def action(self, name: str, **headers: str) -> Message:
        """Send an action and return its response. Raises PbxError when Asterisk refuses it."""
        self._count += 1
        number = str(self._count)
        fields = {"Action": name, "ActionID": number, **headers}
        if any(not value.isprintable() for value in fields.values()):
            raise PbxError(f"AMI action {name} has a header that cannot be sent.")
        text = "".join(f"{key}: {value}\r\n" for key, value in fields.items())
        self._writer.write((text + "\r\n").encode())
        while True:
            message = await self._read()
            if message.get("actionid") == number and "response" in message:
                break
        if message["response"] != "Success":
            raise PbxError(f"Asterisk refused {name}: {message.get('message', 'no reason given')}.")
        return message

    async def listing(self, name: str, **headers: str) -> list[Message]:
        """Send an action that answers with a list, and return its items."""
        number = (await self.action(name, **headers))["actionid"]
        items: list[Message] = []
        while True:
            message = await self._read()
            if message.get("actionid") != number:
                continue
            if message.get("eventlist") == "Complete":
                return items
            items.append(message)

    async def banner(self) -> None:
        """What Asterisk says first. Raises PbxError."""
        await self._until(b"\r\n")

    async def _read(self) -> Message:
        block = await self._until(b"\r\n\r\n")
        lines = block.decode(errors="replace").strip().split("\r\n")
        pairs = (line.partition(": ") for line in lines)
        return {key.lower(): value for key, _, value in pairs}

    async def _until(self, end: bytes) -> bytes:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await self._reader.readuntil(end)
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as e:
            raise PbxError("Asterisk's manager interface stopped answering.") from e


@asynccontextmanager
async def ami(port: int, secret: str, host: str = "127.0.0.1") -> AsyncIterator[Ami]:
    """Connect and sign in. Raises PbxError when nobody answers or the password is wrong."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port, limit=_MAX_MESSAGE)
    except (OSError, TimeoutError) as error:
        raise PbxError(
            f"Asterisk's manager interface does not answer on {host}:{port}.",
            fix="Is Asterisk running? Is FRONTDESK_AMI_PORT its port?",
        ) from error
    client = Ami(reader, writer)
    try:
        await client.banner()
        await client.action("Login", Username=AMI_USER, Secret=secret, Events="off")
        yield client
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
