"""A caller in Asterisk as a `CallControl`: ARI for the call, a media websocket for the audio."""

import asyncio
from collections.abc import Awaitable, Callable

from backend.core.records import CallInfo
from backend.telephony.ari.call import AriCall
from backend.telephony.line import TransferResult
from backend.telephony.stream.doors import PortEvents
from backend.telephony.stream.websocket_audio import WebsocketAudio, open_websocket_audio

LINE = "ari"
Transfer = Callable[[AriCall, str], Awaitable[TransferResult]]
"""Puts a caller through to an extension; see `backend.telephony.ari.transfer`."""


class AsteriskControl:
    """See `CallControl`."""

    def __init__(self, call: AriCall, call_id: str, transfer: Transfer) -> None:
        self.info = CallInfo(
            call_id=call_id,
            line=LINE,
            caller=call.caller,
            called=call.called,
            pbx_id=call.pbx_id,
        )
        self._call = call
        self._transfer = transfer
        self._audio: WebsocketAudio | None = None
        self._watching: asyncio.Task[None] | None = None

    async def answer(self, events: PortEvents) -> WebsocketAudio:
        """Audio first, so that the greeting can follow the answer at once."""
        self._watching = asyncio.create_task(self._watch(events), name="caller-gone")
        self._call.on_key = events.on_key
        address = await self._call.open_media()
        self._audio = await open_websocket_audio(
            address.url, events, user=address.user, password=address.password
        )
        await self._call.join_media()
        await self._call.answer()
        return self._audio

    async def transfer(self, extension: str) -> TransferResult:
        """In the manner that was chosen."""
        return await self._transfer(self._call, extension)

    async def hang_up(self) -> None:
        """End the call."""
        await self._call.hang_up()
        await self.close()

    async def close(self) -> None:
        """Leave the call to whoever has it now; nothing of ours goes on."""
        if self._audio is not None:
            self._audio.close()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def _watch(self, events: PortEvents) -> None:
        await self._call.wait_gone()
        events.on_gone()
