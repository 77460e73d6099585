"""A caller in a browser as a `CallControl`: the websocket is the call."""

from backend.core.errors import HungUp
from backend.core.records import CallInfo
from backend.telephony.browser.audio import BrowserAudio
from backend.telephony.browser.socket import Outbox
from backend.telephony.line import TransferResult
from backend.telephony.stream.doors import PortEvents

LINE = "browser"


class BrowserControl:
    """See `CallControl`. Also takes what the browser sends, once the call is answered."""

    def __init__(self, call_id: str, caller: str, outbox: Outbox, rate_hz: int) -> None:
        self.info = CallInfo(call_id, LINE, caller=caller)
        self._outbox = outbox
        self._rate_hz = rate_hz
        self._audio: BrowserAudio | None = None
        self._gone = False

    async def answer(self, events: PortEvents) -> BrowserAudio:
        """The audio is there already."""
        if self._gone:
            raise HungUp
        self._audio = BrowserAudio(self._outbox, events, self._rate_hz)
        self._outbox.tell("answered", call_id=self.info.call_id)
        return self._audio

    async def transfer(self, extension: str) -> TransferResult:
        """Nobody can be reached from here: there is no PBX in between."""
        del extension
        return TransferResult.FAILED

    async def hang_up(self) -> None:
        """End the call."""
        self._outbox.close()

    # From the browser

    def on_message(self, message: str | bytes) -> None:
        """The next message. Raises LineError for what breaks the protocol."""
        if self._audio is None:
            return
        if isinstance(message, str):
            self._audio.on_text(message)
        else:
            self._audio.on_binary(message)

    def on_closed(self) -> None:
        """The browser is gone."""
        self._gone = True
        if self._audio is not None:
            self._audio.on_closed()
