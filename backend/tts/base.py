"""The door to synthesis: engines speak, the voice in front of them caches and falls back."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Protocol

from backend.audio.pcm import Pcm


class Synthesiser(Protocol):
    """One synthesis engine with one voice chosen."""

    @property
    def name(self) -> str:
        """Engine and voice, e.g. `flite:slt`; part of the cache's key."""

    async def start(self) -> None:
        """Load and warm up. Raises EngineError when it cannot work here."""

    def speak(self, text: str, rate_hz: int) -> AsyncIterator[Pcm]:
        """Speak `text` (already speakable: no markdown, no symbols) at 8000 or 16000 Hz.

        Raises EngineError. Leading and trailing silence beyond 50 ms is trimmed.
        """

    async def aclose(self) -> None:
        """Stop workers and free memory."""


class Clip(Protocol):
    """One sentence's audio, being made or ready. Making it starts when the clip is asked for and
    is dropped when nobody holds the clip any more."""

    @property
    def text(self) -> str:
        """The sentence as the agent wrote it."""

    @property
    def rate_hz(self) -> int:
        """Sample rate of the audio."""

    def chunks(self) -> AsyncIterator[Pcm]:
        """The audio as it becomes available, at once if it was made before. May be called more
        than once. The arrays are shared: do not write into them."""

    async def file(self) -> Path:
        """The whole audio as a WAV file (mono, 16 bit, `rate_hz`) once it is complete.

        The file stays valid while the clip lives. Raises AudioError when no disk takes it, and
        EngineError when the voice was closed meanwhile.
        """

    async def duration_s(self) -> float:
        """Length of the complete audio in seconds."""

    def close(self) -> None:
        """Nobody will listen: making it is dropped unless somebody else wants the same sentence,
        and the file may go. Safe more than once."""


class Voice(Protocol):
    """What the conversation uses: the cache and the ladder of engines behind one method."""

    @property
    def name(self) -> str:
        """Name of the engine in use."""

    def clip(self, text: str, rate_hz: int) -> Clip:
        """Audio for one sentence as the agent wrote it (made speakable here). Never raises:
        the last rung is silence, with a warning."""

    async def warm(self, texts: Iterable[str], rate_hz: int) -> None:
        """Have these ready in the cache. Gives way to live calls."""
