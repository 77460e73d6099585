"""An engine that speaks in tones, and a voice made of such engines."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np

from backend.audio.pcm import Pcm
from backend.tts.base import Synthesiser
from backend.tts.cache import SpeechCache
from backend.tts.rung import Rung
from backend.tts.voice import LadderVoice
from tests.support.loop import until
from tests.tts.speaking import joined

CHUNK = 400


class ToneEngine:
    """Speaks every text as two chunks of a constant value. Does as it is told."""

    def __init__(self, name: str, value: int = 1000) -> None:
        self.name = name
        self.value = value
        self.spoken: list[str] = []
        self.error: Exception | None = None
        self.fails_after_chunks = 0
        self.hold = asyncio.Event()
        self.hold.set()
        self.running = 0
        self.most_running = 0
        self.is_closed = False

    async def start(self) -> None:
        if self.error is not None:
            raise self.error

    async def speak(self, text: str, rate_hz: int) -> AsyncIterator[Pcm]:
        self.spoken.append(text)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            for number in range(2):
                if self.error is not None and number >= self.fails_after_chunks:
                    raise self.error
                yield np.full(CHUNK, self.value, dtype=np.int16)
                await self.hold.wait()
        finally:
            self.running -= 1

    async def aclose(self) -> None:
        self.is_closed = True


class Bench:
    """A voice with its engines, its clock, and what it warned of."""

    def __init__(self, folder: Path, *engines: Synthesiser, slots: int = 2) -> None:
        self.now_s = 0.0
        self.warnings: list[tuple[str, str]] = []
        self.folder = folder
        self.cache = SpeechCache(folder, 10**7)
        rungs = [
            Rung(engine, slots=slots, queue_s=5, chunk_s=5, clock=lambda: self.now_s)
            for engine in engines
        ]
        self._rungs = rungs
        self.voice = LadderVoice(rungs, self.cache, lambda *told: self.warnings.append(told))

    @property
    def queueing(self) -> int:
        """Sentences that wait for the first engine."""
        return len(self._rungs[0].gate._queue)

    @property
    def codes(self) -> list[str]:
        return [code for code, _ in self.warnings]


async def values(bench: Bench, text: str) -> list[int]:
    """Which engines' tones a sentence is made of, in order; 0 is silence."""
    clip = bench.voice.clip(text, 8000)
    pcm = await joined(clip.chunks())
    await clip.file()
    return list(dict.fromkeys(int(sample) for sample in pcm))


async def gone(condition: Callable[[], bool]) -> None:
    """Let finalisers and cancelled tasks take effect."""
    gc.collect()
    await until(condition)
