"""The doors of a streaming line: what carries its audio, and what controls its call.

Asterisk's websocket and ARI are one pair; a browser or another provider's media stream is another.
"""

from typing import Protocol

from backend.core.records import CallInfo
from backend.telephony.line import TransferResult

RATE_HZ = 8000
"""The telephone's rate: lines carry G.711 µ-law, one byte a sample."""


class AudioPort(Protocol):
    """Plays what it is given, at the pace of speech, and can be told to stop at once."""

    def play(self, ulaw: bytes) -> None:
        """Append to what is being played. Returns at once, however much it is."""

    def mark(self, name: str) -> None:
        """Report when everything given so far has been played. Forgotten by `flush`."""

    def flush(self) -> None:
        """Be silent within a frame, and forget what was queued."""


class PortEvents(Protocol):
    """Who owns a port hears of these, on the event loop; all return at once."""

    def on_audio(self, ulaw: bytes) -> None:
        """The next of the caller's audio; any length."""

    def on_mark(self, name: str) -> None:
        """Everything before the mark has been played."""

    def on_key(self, key: str) -> None:
        """The caller pressed a key: one of 0-9, *, #, A-D."""

    def on_gone(self) -> None:
        """The caller, or the way to them, is gone. More than once is harmless."""


class CallControl(Protocol):
    """The call itself. When the caller is gone every operation but `hang_up` raises HungUp."""

    @property
    def info(self) -> CallInfo:
        """Who is calling, and how."""

    async def answer(self, events: PortEvents) -> AudioPort:
        """Pick up and open the audio; `events` is told from now on. Raises LineError."""

    async def transfer(self, extension: str) -> TransferResult:
        """See `Line.transfer`."""

    async def hang_up(self) -> None:
        """End the call and free all it used. Never raises."""
