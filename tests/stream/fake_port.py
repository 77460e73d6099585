"""A port that plays at the pace of speech by the test's clock, and clips to play."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from backend.audio.pcm import Pcm
from backend.core.speech import Sentence
from backend.telephony.line import Utterance

RATE_HZ = 8000


@dataclass
class FakePort:
    """Remembers what was heard and what was cut, and reports marks in time."""

    clock: Callable[[], float]
    on_mark: Callable[[str], None] = lambda name: None
    played: bytearray = field(default_factory=bytearray)
    flushes: list[float] = field(default_factory=list)
    _ends_at_s: float = 0.0
    _timers: list[asyncio.TimerHandle] = field(default_factory=list)

    def play(self, ulaw: bytes) -> None:
        self.played += ulaw
        self._ends_at_s = max(self.clock(), self._ends_at_s) + len(ulaw) / RATE_HZ

    def mark(self, name: str) -> None:
        wait_s = max(0.0, self._ends_at_s - self.clock())
        self._timers.append(
            asyncio.get_running_loop().call_later(wait_s, lambda: self.on_mark(name))
        )

    def flush(self) -> None:
        self.flushes.append(self.clock())
        for timer in self._timers:
            timer.cancel()
        self._ends_at_s = self.clock()


class FakeClip:
    """`length_s` of a tone, in chunks as a synthesiser makes them."""

    rate_hz = RATE_HZ

    def __init__(
        self, text: str, length_s: float, chunk_s: float = 0.25, wait_s: float = 0
    ) -> None:
        self.text = text
        self.pcm: Pcm = np.full(round(length_s * RATE_HZ), 4000, dtype=np.int16)
        self._chunk = round(chunk_s * RATE_HZ)
        self._wait_s = wait_s

    async def chunks(self) -> AsyncIterator[Pcm]:
        for start in range(0, len(self.pcm), self._chunk):
            if self._wait_s:
                await asyncio.sleep(self._wait_s)
            yield self.pcm[start : start + self._chunk]


async def utterances(
    *sentences: tuple[str, float], interruptible: bool = True, wait_s: float = 0
) -> AsyncIterator[Utterance]:
    """Sentences of a text and a length in seconds."""
    for text, length_s in sentences:
        clip = FakeClip(text, length_s, wait_s=wait_s)
        yield Utterance(Sentence(text, interruptible=interruptible), clip)  # type: ignore[arg-type]


async def sleep_until(clock: Callable[[], float], at_s: float) -> None:
    await asyncio.sleep(max(0.0, at_s - clock()))


def texts(heard: Sequence[str]) -> str:
    return " | ".join(heard)
