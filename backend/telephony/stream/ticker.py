"""Listens to all callers of the process at once: one pass over everybody's audio every 10 ms.

Per websocket message only bytes are kept; decoding, levels and voice detection are done for all
calls together, with numpy and one inference.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from backend.audio.g711 import decode
from backend.audio.level import FULL_SCALE
from backend.audio.pcm import Pcm
from backend.audio.vad import VoiceDetector
from backend.telephony.stream.doors import RATE_HZ
from backend.telephony.stream.rest import Rest
from backend.turns.base import Window

log = structlog.get_logger(__name__)

EVERY_S = 0.010
SILENT_AFTER_S = 0.1
"""A caller whose packets stop (silence suppression, a dead network) is silent, and must be heard
to be: turns end by silence."""
BACKLOG_S = 1.0
"""Older audio that comes late all at once is dropped: who stalled must not stay behind for ever."""
IN_PASSING = 16
"""So many windows are judged where we are, in a fraction of a millisecond: handing them to a thread
and taking them back costs as much."""
_FLOOR_DBFS = -96.0


class Hearer(Protocol):
    """Who is told what was heard."""

    def on_window(self, pcm: Pcm, window: Window) -> None:
        """The next piece of the caller's audio. Returns at once."""


@dataclass(eq=False, slots=True)
class Inbox:
    """Where one caller's audio arrives."""

    hearer: Hearer
    state: Any
    heard_until_s: float
    """End of the last window."""
    audio: bytearray
    rest: Rest
    dropped_s: float = 0.0
    has_failed: bool = False

    def put(self, ulaw: bytes) -> None:
        """More audio of the caller."""
        self.audio += ulaw


class Hearing:
    """Everybody who is listened to. Reads no clock."""

    def __init__(self, detector: VoiceDetector) -> None:
        self._detector = detector
        self._window_s = detector.window / RATE_HZ
        self._inboxes: set[Inbox] = set()

    @property
    def is_idle(self) -> bool:
        """Nobody is listened to."""
        return not self._inboxes

    def join(self, hearer: Hearer, now_s: float) -> Inbox:
        """A call begins."""
        rest = Rest(self._window_s)
        inbox = Inbox(hearer, self._detector.new_state(), now_s, bytearray(), rest)
        self._inboxes.add(inbox)
        return inbox

    def leave(self, inbox: Inbox) -> None:
        """A call has ended. More than once is harmless."""
        self._inboxes.discard(inbox)

    async def tick(self, now_s: float) -> None:
        """Analyse everything that has come by `now_s`."""
        ready = self._ready()
        _drop_backlogs(ready)
        while ready:
            await self._hear(ready, now_s)
            ready = self._ready()
        for inbox in [one for one in self._inboxes if self._is_silent(one, now_s)]:
            self._fill_silence(inbox, now_s)

    def _ready(self) -> list[Inbox]:
        size = self._detector.window
        return [one for one in self._inboxes if len(one.audio) >= size]

    async def _hear(self, ready: Sequence[Inbox], now_s: float) -> None:
        """One window of each."""
        size = self._detector.window
        pieces = []
        for inbox in ready:
            pieces.append(inbox.audio[:size])
            del inbox.audio[:size]
        windows = decode(b"".join(pieces)).reshape(-1, size)
        levels = _levels_dbfs(windows)
        probabilities = await self._probabilities(ready, windows, levels)
        for inbox, pcm, probability, level in zip(
            ready, windows, probabilities.tolist(), levels, strict=True
        ):
            waiting_s = len(inbox.audio) // size * self._window_s
            at_s = max(inbox.heard_until_s, now_s - waiting_s)
            inbox.rest.follow(level, probability)
            # A copy: who keeps a row would keep everybody's.
            self._tell(inbox, pcm.copy(), Window(at_s, self._window_s, probability, level))

    async def _probabilities(
        self, inboxes: Sequence[Inbox], windows: NDArray[np.int16], levels: Sequence[float]
    ) -> NDArray[np.float32]:
        """Of voice. A line at rest is not worth an inference."""
        rows = [
            row
            for row, (inbox, level) in enumerate(zip(inboxes, levels, strict=True))
            if not inbox.rest.covers(level)
        ]
        found = np.zeros(len(inboxes), dtype=np.float32)
        if not rows:
            return found
        states = [inboxes[row].state for row in rows]
        if len(rows) <= IN_PASSING:
            found[rows] = self._detector.probabilities(windows[rows], states)
        else:
            found[rows] = await asyncio.to_thread(
                self._detector.probabilities, windows[rows], states
            )
        return found

    def _is_silent(self, inbox: Inbox, now_s: float) -> bool:
        return now_s - inbox.heard_until_s >= SILENT_AFTER_S + self._window_s

    def _fill_silence(self, inbox: Inbox, now_s: float) -> None:
        nothing = np.zeros(self._detector.window, dtype=np.int16)
        while self._is_silent(inbox, now_s):
            at_s = inbox.heard_until_s + self._window_s
            self._tell(inbox, nothing, Window(at_s, self._window_s, 0.0, _FLOOR_DBFS))

    def _tell(self, inbox: Inbox, pcm: Pcm, window: Window) -> None:
        inbox.heard_until_s = window.at_s
        if inbox in self._inboxes:
            try:
                inbox.hearer.on_window(pcm, window)
            except Exception:  # one call's trouble is not the others', nor the log's
                if not inbox.has_failed:
                    log.exception("hearer-failed")
                inbox.has_failed = True


class Ticker:
    """Has everybody heard every 10 ms, while there is anybody. One for all streaming calls."""

    def __init__(self, detector: VoiceDetector) -> None:
        self._hearing = Hearing(detector)
        self._running: asyncio.Task[None] | None = None

    def join(self, hearer: Hearer) -> Inbox:
        """A call begins."""
        inbox = self._hearing.join(hearer, time.monotonic())
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="ticker")
        return inbox

    def leave(self, inbox: Inbox) -> None:
        """A call has ended. More than once is harmless."""
        self._hearing.leave(inbox)

    async def aclose(self) -> None:
        """Stop."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while not self._hearing.is_idle:
                began_s = time.monotonic()
                try:
                    await self._hearing.tick(began_s)
                except Exception:
                    log.exception("hearing-failed")
                await asyncio.sleep(max(0.0, began_s + EVERY_S - time.monotonic()))
        finally:
            self._running = None


def _drop_backlogs(inboxes: Sequence[Inbox]) -> None:
    most = round(BACKLOG_S * RATE_HZ)
    for inbox in inboxes:
        too_much = len(inbox.audio) - most
        if too_much > 0:
            del inbox.audio[:too_much]
            inbox.dropped_s += too_much / RATE_HZ
            log.warning("backlog-dropped", seconds=round(too_much / RATE_HZ, 2))


def _levels_dbfs(windows: NDArray[np.int16]) -> list[float]:
    samples = windows.astype(np.float64)
    power = np.vecdot(samples, samples) / windows.shape[1] / FULL_SCALE**2
    levels: list[float] = (10 * np.log10(np.maximum(power, 10 ** (_FLOOR_DBFS / 10)))).tolist()
    return levels
