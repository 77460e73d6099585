"""The last rung: nothing is understood, so callers are led to the keypad."""

from backend.asr.base import Vocabulary
from backend.audio.pcm import Pcm
from backend.core.speech import Question, Transcript

DEAF = "deaf"
"""The recogniser's name when none works: parts that report on it compare with this."""


class Deaf:
    """Hears that there was audio, and never a word. Cannot fail."""

    name = DEAF
    is_overloaded = False

    async def start(self) -> None:
        """Nothing to load."""

    def listen(self, question: Question, rate_hz: int) -> "_DeafStream":
        """A stream that only counts its samples."""
        return _DeafStream(rate_hz)

    def set_vocabulary(self, vocabulary: Vocabulary) -> None:
        """No use for it."""

    async def aclose(self) -> None:
        """Nothing to free."""


class _DeafStream:
    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._samples = 0

    def feed(self, pcm: Pcm) -> None:
        self._samples += len(pcm)

    def partial(self) -> None:
        return None

    async def peek(self) -> Transcript:
        return Transcript("", 0.0, audio_s=self._samples / self._rate_hz)

    async def finish(self) -> Transcript:
        return await self.peek()

    def cancel(self) -> None:
        pass
