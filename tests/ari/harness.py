"""A real Asterisk, our side of ARI, and a way to see that nothing is left behind."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backend.audio.pcm import Pcm
from backend.config import Settings
from backend.pbx.server import PbxServer
from backend.telephony.ari.call import AriCall, MediaAddress
from backend.telephony.ari.client import AriAddress, AriClient, AriDialler
from backend.telephony.ari.server import AriServer
from backend.telephony.websocket import WebSocket, connect
from tests.support.pbx import running_pbx

Handler = Callable[[AriCall], Awaitable[None]]


def address_of(settings: Settings, server: PbxServer, **changes: Any) -> AriAddress:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": settings.ari_port,
        "user": settings.ari_user,
        "password": server.secrets.ari,
        "app": settings.bot_app,
    }
    return AriAddress(**(values | changes))


def uri(settings: Settings, extension: str = "200") -> str:
    return f"sip:{extension}@127.0.0.1:{settings.sip_port}"


def tone() -> Pcm:
    """Half a second that nobody takes for silence."""
    return np.asarray(8000 * np.sin(np.arange(4000) * 0.35), dtype=np.int16)


class Media:
    """The bot's side of a call's audio: sends back what it hears."""

    def __init__(self) -> None:
        self.socket: WebSocket | None = None
        self.messages: list[str] = []
        self.heard = asyncio.Event()
        self.closed = asyncio.Event()

    def on_text(self, text: str) -> None:
        self.messages.append(text)

    def on_binary(self, data: bytes) -> None:
        self.heard.set()
        if self.socket is not None:
            self.socket.send_binary(data)

    def on_closed(self, reason: str) -> None:
        del reason
        self.closed.set()

    async def open(self, address: MediaAddress) -> None:
        self.socket = await connect(
            address.url, self, user=address.user, password=address.password, protocol="media"
        )


async def talk(call: AriCall) -> Media:
    """Answer, with an echo for a bot."""
    media = Media()
    address, _ = await asyncio.gather(call.open_media(), call.answer())
    await media.open(address)
    await call.join_media()
    return media


@dataclass
class Bot:
    """An `AriServer` and what it was given."""

    server: AriServer
    client: AriClient
    calls: list[AriCall] = field(default_factory=list)
    arrived: "asyncio.Queue[AriCall]" = field(default_factory=asyncio.Queue)

    async def next_call(self) -> AriCall:
        async with asyncio.timeout(5):
            return await self.arrived.get()


@asynccontextmanager
async def bot_at(address: AriAddress, handler: Handler) -> AsyncIterator[Bot]:
    """A bot that takes calls; closed on the way out."""
    client = AriDialler(address)

    async def on_call(call: AriCall) -> None:
        bot.calls.append(call)
        bot.arrived.put_nowait(call)
        await handler(call)

    bot = Bot(AriServer(client, on_call), client)
    await bot.server.start()
    try:
        await client.wait_up(5)
        yield bot
    finally:
        await bot.server.aclose()


@asynccontextmanager
async def observer(settings: Settings, server: PbxServer) -> AsyncIterator[AriClient]:
    """An application of no calls, to ask Asterisk with."""
    client = AriDialler(address_of(settings, server, app="observer"))
    await client.start()
    try:
        await client.wait_up(5)
        yield client
    finally:
        await client.aclose()


async def nothing_left(client: AriClient, within_s: float = 5) -> None:
    """Asterisk has no channel and no bridge, at the latest after that time."""
    left: Any = "nobody could ask"
    await client.wait_up(10)  # it may have been cut off by what the test did to Asterisk
    try:
        async with asyncio.timeout(within_s):
            while True:
                left = await asyncio.gather(
                    client.request("GET", "channels"), client.request("GET", "bridges")
                )
                if left == [[], []]:
                    return
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"left in Asterisk: {left}") from None


@asynccontextmanager
async def office(
    tmp_path: Path, handler: Handler, **changes: Any
) -> AsyncIterator[tuple[Settings, PbxServer, Bot]]:
    """Asterisk and one bot; afterwards Asterisk must have nothing left."""
    async with (
        running_pbx(tmp_path, **changes) as (settings, server),
        observer(settings, server) as asked,
    ):
        async with bot_at(address_of(settings, server), handler) as bot:
            yield settings, server, bot
            await nothing_left(asked)
        await nothing_left(asked)
