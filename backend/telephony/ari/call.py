"""One incoming call in Asterisk: its channel, the media channel it is bridged with, its end."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from backend.core.errors import HungUp
from backend.telephony.ari.client import AriClient
from backend.telephony.ari.connection import Event
from backend.telephony.ari.errors import AriError
from backend.telephony.ari.names import BRIDGE, MEDIA, PERSON, name_of

log = structlog.get_logger(__name__)

MEDIA_S = 5.0
"""How long the media channel may take to come up once its websocket is connected."""
NOT_FOUND = 404

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class MediaAddress:
    """Where the audio of a call is fetched and delivered: a websocket of Asterisk's."""

    url: str
    user: str
    password: str


class AriCall:
    """A caller who has reached our application. Operations raise HungUp once they are gone.

    Made by `AriServer`, which also ends it: whatever it has created is deleted when its handler
    returns, and a caller who is still there then goes to the dialplan's fallback.
    """

    def __init__(
        self, client: AriClient, channel: Event, own: Callable[[str, "AriCall"], None]
    ) -> None:
        self.client = client
        self.channel_id: str = channel["id"]
        """Also the PBX's own id of the call (UNIQUEID)."""
        self.caller: str = channel["caller"]["number"]
        self.called: str = channel["dialplan"]["exten"]
        self._context: str = channel["dialplan"]["context"]
        self.on_key: Callable[[str], None] | None = None
        """Called with each key the caller presses; those pressed before are in `keys`."""
        self.keys: list[str] = []
        self._own = own
        self._bridge_id = self._name(BRIDGE)
        self._media_id = self._name(MEDIA)
        self._joining: asyncio.Task[None] | None = None
        self._gone = asyncio.Event()
        self._away = False  # in the dialplan on our behalf
        self._watchers: dict[asyncio.Future[Event], Callable[[Event], bool]] = {}
        self._made: set[str] = set()
        self._people = 0

    @property
    def pbx_id(self) -> str:
        """The PBX's id of the call, for records."""
        return self.channel_id

    @property
    def is_gone(self) -> bool:
        """Whether the caller has left us: hung up, or gone on in the dialplan."""
        return self._gone.is_set()

    async def wait_gone(self) -> None:
        """Return when the caller has left."""
        await self._gone.wait()

    async def answer(self) -> None:
        """Pick up."""
        await self.ask("POST", f"channels/{self.channel_id}/answer")

    async def open_media(self, audio_format: str = "ulaw") -> MediaAddress:
        """Prepare the audio; connect to the address, then `join_media`. May precede `answer`.

        `audio_format`: `ulaw`, `alaw`, `slin` (8 kHz) or `slin16`. Raises AriError.
        """
        self._own(self._media_id, self)
        self._own(self._bridge_id, self)
        self._joining = asyncio.create_task(self._join(), name=f"join {self.channel_id}")
        query = {
            "app": self.client.address.app,
            "channelId": self._media_id,
            "originator": self.channel_id,
            "format": audio_format,
            "external_host": "INCOMING",
            "connection_type": "server",
            "transport": "websocket",
            "encapsulation": "none",
            "transport_data": "f(json)",
        }
        bridge = {"type": "mixing", "bridgeId": self._bridge_id}
        channel, _ = await asyncio.gather(
            self.make(f"channels/{self._media_id}", "channels/externalMedia", query),
            self.make(f"bridges/{self._bridge_id}", "bridges", bridge),
        )
        address = self.client.address
        connection = channel["channelvars"]["MEDIA_WEBSOCKET_CONNECTION_ID"]
        return MediaAddress(f"{address.url}/media/{connection}", address.user, address.password)

    async def join_media(self) -> None:
        """Return when caller and media hear each other. Connect to the media address before.

        Raises AriError when Asterisk does not bring the two together.
        """
        if self._joining is None:
            raise AriError("Media were not opened before they were joined.")
        try:
            async with asyncio.timeout(MEDIA_S):
                await self._while_here(asyncio.shield(self._joining))
        except TimeoutError as error:
            raise AriError("Asterisk did not bring the call's audio up in time.") from error

    async def hold(self) -> None:
        """Music for the caller; nothing they say reaches us, nothing we say reaches them."""
        await self._bridge_media("removeChannel")
        await self.ask("POST", f"channels/{self.channel_id}/moh")

    async def unhold(self) -> None:
        """Back to the conversation."""
        await self.ask("DELETE", f"channels/{self.channel_id}/moh")
        await self._bridge_media("addChannel")

    async def hang_up(self) -> None:
        """End the call. Raises nothing: gone is gone, and what cannot be asked now is swept."""
        if not self.is_gone:
            await self.unmake(f"channels/{self.channel_id}")
            self.leave()

    async def to_fallback(self, *, busy: bool = False) -> None:
        """Let go of the caller: the dialplan apologises and takes a message.

        `busy`: we have no room; the dialplan tries the other bots first. Raises nothing.
        """
        if self.is_gone:
            return
        # A label, not a variable: after ARI has set one, Asterisk lets that channel's dialplan
        # write no file any more, and the message the caller leaves would never be completed.
        where = {"context": self._context, "extension": self.called, "label": "busy"}
        try:
            await self.client.request(
                "POST", f"channels/{self.channel_id}/continue", where if busy else None
            )
        except AriError as error:
            if error.status != NOT_FOUND:
                log.error("ari-call-not-released", pbx_id=self.channel_id, reason=error.message)
        self.leave()

    async def aclose(self) -> None:
        """Delete everything this call created. The caller should have left before."""
        if self._joining is not None:
            self._joining.cancel()
            await asyncio.gather(self._joining, return_exceptions=True)
        await asyncio.gather(*(self.unmake(path) for path in list(self._made)))

    # For transfers (transfer.py) and the server.

    def leave(self) -> None:
        """The caller is gone, or no longer ours."""
        self._gone.set()
        for watcher in self._watchers:
            watcher.cancel()

    def take(self, event: Event) -> None:
        """An event about one of our channels."""
        kind = event["type"]
        mine = event.get("channel", {}).get("id") == self.channel_id
        if mine and kind == "ChannelDtmfReceived":
            self.keys.append(event["digit"])
            if self.on_key is not None:
                self.on_key(event["digit"])
        for watcher, wanted in self._watchers.items():
            if not watcher.done() and wanted(event):
                watcher.set_result(event)
        if mine and (kind == "ChannelDestroyed" or (kind == "StasisEnd" and not self._away)):
            self.leave()

    def watch(self, wanted: Callable[[Event], bool]) -> "asyncio.Future[Event]":
        """The next event of ours that is `wanted`; cancelled when the caller leaves."""
        watcher: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        if self.is_gone:
            watcher.cancel()
        else:
            self._watchers[watcher] = wanted
            watcher.add_done_callback(lambda done: self._watchers.pop(done, None))
        return watcher

    async def arrives(self, watcher: "asyncio.Future[Event]", within_s: float) -> Event:
        """The watched event. Raises HungUp, or TimeoutError when it does not come."""
        try:
            async with asyncio.timeout(within_s):
                return await self._while_here(watcher)
        finally:
            watcher.cancel()

    def next_person(self) -> str:
        """Id for the leg towards another person; its events come to us."""
        self._people += 1
        name = self._name(f"{PERSON}{self._people}")
        self._own(name, self)
        return name

    def be_away(self, away: bool) -> None:
        """While away, the caller's leaving the application is not the end of the call."""
        self._away = away

    async def bring_together(self, channel_id: str) -> None:
        """Put a channel into our bridge."""
        query = {"channel": channel_id}
        await self.ask("POST", f"bridges/{self._bridge_id}/addChannel", query)

    async def ask(self, method: str, path: str, query: dict[str, str] | None = None) -> Any:
        """A request on behalf of the caller. Raises HungUp when they are gone, AriError."""
        if self.is_gone:
            raise HungUp
        try:
            return await self.client.request(method, path, query)
        except AriError:
            if self.is_gone:
                raise HungUp from None
            raise

    async def make(self, path: str, create: str, query: dict[str, str]) -> Any:
        """POST to `create`; what it makes is deleted at `path` when the call ends."""
        self._made.add(path)  # before it is asked for: the answer may get lost
        return await self.ask("POST", create, query)

    async def unmake(self, path: str) -> None:
        """Delete it now. Raises nothing: what cannot be deleted is swept later."""
        try:
            await self.client.request("DELETE", path)
        except AriError as error:
            if error.status != NOT_FOUND:
                log.info("ari-left-to-sweep", path=path, reason=error.message)
        self._made.discard(path)

    async def _join(self) -> None:
        await self.watch(lambda event: enters(event, self._media_id))
        await self.bring_together(f"{self.channel_id},{self._media_id}")

    async def _bridge_media(self, what: str) -> None:
        await self.ask("POST", f"bridges/{self._bridge_id}/{what}", {"channel": self._media_id})

    async def _while_here(self, awaited: "asyncio.Future[T]") -> T:
        try:
            return await awaited
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if self.is_gone and task is not None and not task.cancelling():
                raise HungUp from None
            raise

    def _name(self, part: str) -> str:
        return name_of(self.client.address.app, self.channel_id, part)


def enters(event: Event, channel_id: str) -> bool:
    """Whether it tells that the channel has come into our application."""
    return bool(event["type"] == "StasisStart" and event["channel"]["id"] == channel_id)
