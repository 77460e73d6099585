"""Recordings of streaming calls: both sides as they were heard, stereo, written while they last."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import structlog

from backend.audio.g711 import decode, silence_byte
from backend.audio.pcm import Pcm
from backend.audio.wav import WavWriter
from backend.core.errors import AudioError
from backend.telephony.line import Listener
from backend.telephony.stream.doors import RATE_HZ

log = structlog.get_logger(__name__)

EVERY_S = 1.0
"""How often recordings are written: what a killed bot may lose of them."""
LISTENED_EVERY_S = 0.2
"""The same while somebody listens to a call as it happens."""
SETTLE_S = 0.3
"""The newest audio is left for the next time: late packets still find their place in it."""
GAP_S = 0.06
"""Audio that comes this much later than it should has a gap before it; less is jitter. This much
ahead of the clock, after a burst that could not be put in its place, its pauses are shortened."""
QUIET = 200
"""Mean level of a pause."""
_SILENCE = bytes([silence_byte()])


Sides = tuple[bytes, bytes]
"""µ-law of the caller and of the bot, the same length."""


class CallRecording:
    """One call's two sides on one clock. Times are `time.monotonic()`."""

    def __init__(self, path: Path, began_at_s: float) -> None:
        self._writer = WavWriter(path, RATE_HZ, channels=2)
        self.began_at_s = began_at_s
        self._caller = bytearray()
        self._bot = bytearray()
        self.listeners: dict[object, Listener] = {}
        """Who else hears what is taken."""
        self._written = 0
        """Samples of both sides that are in the file and no longer here."""
        self._gap = range(0)
        """Where the last silence of the caller's side is, which nobody sent."""
        self._is_missed = True
        """Nothing has come from the caller since that was last looked at."""
        self._is_closed = False

    def caller_said(self, ulaw: bytes, at_s: float) -> None:
        """Audio of the caller that arrived at `at_s`.

        What was held up arrives as a burst: it takes the place of the silence before it.
        """
        if self._is_closed:
            return
        self._is_missed = False
        ends, now = self._written + len(self._caller), self._place(at_s)
        if now - len(ulaw) - ends > GAP_S * RATE_HZ:
            self._pad(self._caller, now - len(ulaw))
            self._gap = range(ends, now - len(ulaw))
        else:
            ahead = ends + len(ulaw) - now
            if ahead > 0 and self._gap:
                ahead -= self._close_gap(ahead)
            if ahead > GAP_S * RATE_HZ and np.abs(decode(ulaw)).mean() < QUIET:
                return
        self._caller += ulaw

    def _close_gap(self, samples: int) -> int:
        """Take that much out of the last gap, or what is still here of it; how much it was."""
        starts = max(self._gap.start, self._written)
        taken = max(0, min(samples, self._gap.stop - starts))
        if taken:
            place = starts - self._written
            del self._caller[place : place + taken]
            self._gap = range(starts, self._gap.stop - taken)
        return taken

    def bot_said(self, ulaw: bytes, at_s: float) -> None:
        """Audio of ours that begins to be heard at `at_s`, or when what is queued has ended."""
        if not self._is_closed:
            self._pad(self._bot, self._place(at_s))
            self._bot += ulaw

    def bot_stopped(self, at_s: float) -> None:
        """What was queued beyond `at_s` is never heard."""
        del self._bot[max(0, self._place(at_s) - self._written) :]

    def take_settled(self, until_s: float) -> Sides:
        """`take`, but a caller's audio that stops coming is waited for from one time to the next:
        after a stall it comes late, and silence in its place would be in the file already."""
        ends_s = self.began_at_s + (self._written + len(self._caller)) / RATE_HZ
        if ends_s >= until_s or self._is_missed:
            return self.take(until_s)
        self._is_missed = True
        return self.take(ends_s)

    def take(self, until_s: float) -> Sides:
        """Everything up to then that was not taken yet: caller and bot, of one length."""
        until = max(self._written, self._place(until_s))
        samples = until - self._written
        for side in (self._caller, self._bot):
            self._pad(side, until)
        sides = bytes(self._caller[:samples]), bytes(self._bot[:samples])
        del self._caller[:samples], self._bot[:samples]
        self._written = until
        if self.listeners and samples:
            pcm = _stereo(sides)
            for listener in tuple(self.listeners.values()):
                listener(pcm)
        return sides

    def write(self, sides: Sides) -> None:
        """Write what was taken. For a thread. Raises AudioError."""
        if sides[0]:
            self._writer.write(_stereo(sides))

    def close(self) -> None:
        """Close the file. What is said afterwards is not kept."""
        self._is_closed = True
        self._writer.close()

    def _place(self, at_s: float) -> int:
        return round((at_s - self.began_at_s) * RATE_HZ)

    def _pad(self, side: bytearray, until: int) -> None:
        missing = until - self._written - len(side)
        if missing > 0:
            side += _SILENCE * missing


class Recorder:
    """Writes the recordings of all calls, together, in a thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: set[CallRecording] = set()
        self._writing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    def start(self) -> None:
        """Begin to write."""
        self._writing = asyncio.create_task(self._write_on(), name="recorder")

    async def aclose(self) -> None:
        """Write the rest of everything."""
        if self._writing is not None:
            self._writing.cancel()
            await asyncio.gather(self._writing, return_exceptions=True)
        for recording in tuple(self._open):
            await self.finish(recording)

    async def begin(self, name: str) -> CallRecording:
        """Record a call as `<name>.wav`. Raises AudioError when there is no writing there."""
        path = self._folder / f"{name}.wav"
        recording = await asyncio.to_thread(CallRecording, path, time.monotonic())
        self._open.add(recording)
        return recording

    def listen_in(self, recording: CallRecording, listener: Listener) -> Callable[[], None]:
        """Have somebody hear the call from now on; the returned function ends that."""
        key = object()
        recording.listeners[key] = listener

        def leave() -> None:
            recording.listeners.pop(key, None)

        return leave

    async def finish(self, recording: CallRecording) -> None:
        """The call is over: write the rest."""
        if recording not in self._open:
            return
        self._open.discard(recording)
        async with self._turn:
            rest = recording.take(time.monotonic())
            await asyncio.to_thread(_write, [(recording, rest)])
            recording.close()

    async def _write_on(self) -> None:
        while True:
            is_listened_to = any(recording.listeners for recording in self._open)
            await asyncio.sleep(LISTENED_EVERY_S if is_listened_to else EVERY_S)
            async with self._turn:
                until_s = time.monotonic() - SETTLE_S
                due = [(recording, recording.take_settled(until_s)) for recording in self._open]
                if due:
                    self._open.difference_update(await asyncio.to_thread(_write, due))


def _write(due: Sequence[tuple[CallRecording, Sides]]) -> list[CallRecording]:
    """Write them all; returns those whose disk refuses: their calls go on without."""
    failed = []
    for recording, sides in due:
        try:
            recording.write(sides)
        except AudioError as error:
            log.warning("recording-stopped", code=error.code, reason=error.message)
            recording.close()
            failed.append(recording)
    return failed


def _stereo(sides: Sides) -> Pcm:
    return np.stack([decode(side) for side in sides], axis=1)
