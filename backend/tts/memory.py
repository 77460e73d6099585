"""Sentences kept in memory, so that a line that plays from memory never waits for the disk."""

from collections import OrderedDict

from backend.audio.pcm import Pcm
from backend.tts.cache import SpokenFile

MOST_BYTES = 32 * 1024 * 1024
"""Half an hour of speech at 8 kHz: every fixed sentence of a large knowledge base, and the hundreds
of others that were said last."""


class SpokenMemory:
    """Audio by the name of its file, bounded in bytes; the least recently used goes first.

    What is in here pins its file in the disk cache. Belongs to the event loop.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._held: OrderedDict[str, tuple[SpokenFile, Pcm]] = OrderedDict()
        self._total_bytes = 0

    @property
    def total_bytes(self) -> int:
        """Size of all audio in it."""
        return self._total_bytes

    def find(self, file_name: str) -> SpokenFile | None:
        """The file whose audio is here."""
        held = self._held.get(file_name)
        return held[0] if held is not None else None

    def audio(self, spoken: SpokenFile) -> Pcm | None:
        """The audio of a file; counts as use. Not to be written into."""
        held = self._held.get(spoken.path.name)
        if held is None:
            return None
        self._held.move_to_end(spoken.path.name)
        return held[1]

    def keep(self, spoken: SpokenFile, pcm: Pcm) -> None:
        """Hold it, and let go of others if it must be. What is larger than all room is not held."""
        if pcm.nbytes > self._most_bytes:
            return
        self._let_go(spoken.path.name)
        self._held[spoken.path.name] = (spoken, pcm)
        self._total_bytes += pcm.nbytes
        while self._total_bytes > self._most_bytes:
            self._let_go(next(iter(self._held)))

    def _let_go(self, file_name: str) -> None:
        held = self._held.pop(file_name, None)
        if held is not None:
            self._total_bytes -= held[1].nbytes
