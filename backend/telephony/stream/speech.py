"""One answer being spoken: sentences become audio ahead of time, and can stop at any syllable."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from backend.audio.g711 import decode, encode
from backend.audio.pcm import EMPTY, Pcm
from backend.core.errors import LineError
from backend.core.speech import Sentence
from backend.telephony.line import Utterance
from backend.telephony.partly_heard import words_heard
from backend.telephony.stream.doors import RATE_HZ, AudioPort
from backend.telephony.stream.playout import Playout
from backend.telephony.stream.recorder import CallRecording

LEAD_S = 0.4
"""The next sentence is sent when this much of the one before is left: long enough for a busy
moment of ours, short enough that what is announced as being said is being said."""
BACK_S = 0.2
"""We go on this much before where we stopped: a cut syllable is said again whole."""
FRAME = 160
"""Bytes of 20 ms: the grain in which audio travels."""
MARK_LATE_S = 1.0
"""A mark that is this late is lost; the clock decides then."""

Clock = Callable[[], float]


@dataclass(slots=True)
class _Part:
    """One sentence on its way to the caller."""

    sentence: Sentence
    begins: int
    """Place of its first sample in all that is said in this answer."""
    audio: bytearray = field(default_factory=bytearray)
    is_complete: bool = False
    marked: int = 0
    """Generation in which its end was marked."""

    @property
    def ends(self) -> int:
        """Place just after its last sample so far."""
        return self.begins + len(self.audio)


class Speech:
    """Speaks one answer; a new one is made for the next."""

    def __init__(
        self,
        port: AudioPort,
        generations: Iterator[int],
        recording: CallRecording | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        self.first_audio_at_s: float | None = None
        """`time.monotonic()` when the first sample left."""
        self.transport_s: float | None = None
        """From then until the first frame was on its way to the caller, says who plays it."""
        self._port = port
        self._generations = generations
        self._generation = next(generations)
        """Counts, over the whole call, what was queued and cut off: older marks are stale."""
        self._recording = recording
        self._clock = clock
        self._parts: list[_Part] = []
        self._sent = 0
        """Place of the first sample that was not given to the port."""
        self._skipped = 0
        """Place at which the port's present queue began."""
        self._held_at: int | None = None
        self._playout = Playout()
        self._changed = asyncio.Event()

    async def speak(self, utterances: AsyncIterator[Utterance]) -> None:
        """Until all has been heard. Cancel it, then call `stop`, to end it before."""
        # Asked for no sooner than it is needed: who gives it may tell others that it is being said.
        while (utterance := await anext(utterances, None)) is not None:
            part = _Part(utterance.sentence, self._parts[-1].ends if self._parts else 0)
            self._parts.append(part)
            if utterance.clip is None:
                raise LineError("A sentence without audio was given to a line that needs it.")
            async for pcm in utterance.clip.chunks():
                part.audio += encode(pcm)
                self._send()
            part.is_complete = True
            self._send()
            await self._room()
        await self._all_heard()

    @property
    def sentence(self) -> Sentence | None:
        """What the caller is hearing now; None while we are silent."""
        if self._held_at is not None:
            return None
        place = self._place()
        for part in self._parts:
            if place < part.ends or not part.is_complete:
                return part.sentence if part.audio else None
        return None

    @property
    def left_s(self) -> float:
        """Seconds of what is ready that the caller has not heard."""
        place = self._place() if self._held_at is None else self._held_at
        return (self._parts[-1].ends - place) / RATE_HZ if self._parts else 0.0

    def hold(self) -> None:
        """Be silent at once, and remember where."""
        if self._held_at is None:
            self._held_at = self._cut()
            self._changed.set()

    def go_on(self) -> None:
        """After `hold`: from a little before where we stopped."""
        if self._held_at is None:
            return
        self._sent = max(0, self._held_at - round(BACK_S * RATE_HZ))
        self._skipped = self._sent
        self._held_at = None
        self._send()
        self._changed.set()

    def stop(self) -> tuple[str, ...]:
        """Be silent for good; returns what has been heard, the last sentence perhaps cut."""
        place = self._held_at if self._held_at is not None else self._cut()
        self._held_at = place
        return self._words(place)

    def heard(self) -> tuple[str, ...]:
        """What has been heard so far."""
        return self._words(self._held_at if self._held_at is not None else self._place())

    def on_mark(self, name: str) -> None:
        """The port has played everything before the mark."""
        generation, _, what = name.partition(".")
        if generation != str(self._generation):
            return
        now_s = self._clock()
        if what == "first" and self.first_audio_at_s is not None:
            self.transport_s = now_s - self.first_audio_at_s
        elif self._parts and what == str(self._parts[-1].ends):
            self._playout.catch_up(now_s)
            self._changed.set()

    def played(self, length_s: float) -> Pcm:
        """What the caller heard of us in the last so many seconds; empty when it was nothing.

        May be shorter: what lies before it was silence.
        """
        now_s = self._clock()
        silent_s = max(0.0, now_s - self._playout.ends_at_s)
        if self._held_at is not None or silent_s >= length_s or not self._parts:
            return EMPTY
        place, first = self._place(), self._parts[-2:][0]
        wanted = round((length_s - silent_s) * RATE_HZ)
        ulaw = b"".join(bytes(part.audio) for part in self._parts[-2:])
        said = decode(ulaw[max(0, place - first.begins - wanted) : max(0, place - first.begins)])
        return np.concatenate((said, np.zeros(round(silent_s * RATE_HZ), dtype=np.int16)))

    def _send(self) -> None:
        """Give the port what it has not had, in whole frames; the rest of a sentence ends it."""
        if self._held_at is not None:
            return
        for part in self._parts:
            audio = part.audio[max(0, self._sent - part.begins) :]
            if not part.is_complete:
                del audio[len(audio) - len(audio) % FRAME :]
            if audio:
                self._play(bytes(audio))
            if part.is_complete and self._sent == part.ends and part.marked != self._generation:
                part.marked = self._generation
                self._port.mark(f"{self._generation}.{part.ends}")

    def _play(self, ulaw: bytes) -> None:
        now_s = self._clock()
        if self.first_audio_at_s is None:
            self.first_audio_at_s = now_s
            self._port.play(ulaw[:FRAME])
            self._port.mark(f"{self._generation}.first")
            self._port.play(ulaw[FRAME:])
        else:
            self._port.play(ulaw)
        starts_at_s = self._playout.add(now_s, len(ulaw))
        self._sent += len(ulaw)
        if self._recording is not None:
            self._recording.bot_said(ulaw, starts_at_s)

    def _cut(self) -> int:
        """Silence the port; returns the place up to which the caller has heard us."""
        now_s = self._clock()
        place = self._place()
        self._port.flush()
        self._playout = Playout()
        self._generation = next(self._generations)
        if self._recording is not None:
            self._recording.bot_stopped(now_s)
        return place

    def _place(self) -> int:
        return self._skipped + self._playout.played(self._clock())

    def _words(self, place: int) -> tuple[str, ...]:
        heard = []
        for part in self._parts:
            if part.is_complete and place >= part.ends:
                heard.append(part.sentence.text)
                continue
            share = (place - part.begins) / len(part.audio) if part.audio else 0.0
            # While a sentence is still being made its length is not known; letters then count
            # against what there is of it.
            if words := words_heard(part.sentence.text, share):
                heard.append(words)
            break
        return tuple(heard)

    async def _room(self) -> None:
        """Until the sentence before is nearly over, and nobody holds us."""
        while True:
            wait_s = self._playout.left_s(self._clock()) - LEAD_S
            if self._held_at is None and wait_s <= 0:
                return
            await self._change(wait_s if self._held_at is None else None)

    async def _all_heard(self) -> None:
        while True:
            left_s = self._playout.left_s(self._clock())
            if self._held_at is None and left_s <= 0:
                return
            await self._change(left_s + MARK_LATE_S if self._held_at is None else None)

    async def _change(self, timeout_s: float | None) -> None:
        """Until a mark, a hold, or that long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            pass
        self._changed.clear()
