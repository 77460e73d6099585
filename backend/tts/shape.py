"""What every engine's audio goes through: the line's rate, and no silence around the words."""

import numpy as np

from backend.audio.level import dbfs_to_amplitude
from backend.audio.pcm import EMPTY, Pcm
from backend.audio.resample import Resampler

LEAD_KEPT_S = 0.02
"""Every millisecond here is heard as a slower answer; 20 keep the onset of a soft consonant."""
TAIL_KEPT_S = 0.05
SILENCE_DBFS = -50.0
"""RMS of 10 ms. Engines' own noise floors lie under -60, the softest fricatives above -45."""

_FRAMES_PER_S = 100


class Shaper:
    """Resamples one sentence and trims its ends, chunk by chunk.

    Silence inside the sentence passes once sound follows it; only the ends are cut.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._resampler = Resampler(from_hz, to_hz)
        self._frame = max(1, to_hz // _FRAMES_PER_S)
        self._lead = round(LEAD_KEPT_S * to_hz)
        self._tail = round(TAIL_KEPT_S * to_hz)
        self._threshold = dbfs_to_amplitude(SILENCE_DBFS)
        self._held = EMPTY
        """Not yet given out: silence that may be the end, and less than a frame of anything."""
        self._judged = 0
        """Samples at the start of `_held` already found silent."""
        self._started = False

    def feed(self, pcm: Pcm) -> Pcm:
        """What is certain to be kept so far."""
        return self._trim(self._resampler.feed(pcm))

    def finish(self) -> Pcm:
        """The rest; nothing may be fed afterwards."""
        rest = self._trim(self._resampler.finish())
        return np.concatenate((rest, self._held[: self._tail])) if self._started else EMPTY

    def _trim(self, pcm: Pcm) -> Pcm:
        held = np.concatenate((self._held, pcm)) if len(self._held) else pcm
        complete = len(held) - (len(held) - self._judged) % self._frame
        loud_until = self._last_loud(held, complete)
        if loud_until is None:
            keep_from = 0 if self._started else max(0, complete - self._lead)
            self._held, self._judged = held[keep_from:], complete - keep_from
            return EMPTY
        first, until = loud_until
        start = 0 if self._started else max(0, first - self._lead)
        self._started = True
        self._held, self._judged = held[until:], complete - until
        return held[start:until]

    def _last_loud(self, held: Pcm, complete: int) -> tuple[int, int] | None:
        """Where the first loud frame begins and the last one ends, among frames not yet judged."""
        frames = held[self._judged : complete].reshape(-1, self._frame)
        if not len(frames):
            return None
        levels = np.sqrt(np.mean(frames.astype(np.float64) ** 2, axis=1))
        loud = np.flatnonzero(levels >= self._threshold)
        if not len(loud):
            return None
        return (
            self._judged + int(loud[0]) * self._frame,
            self._judged + (int(loud[-1]) + 1) * self._frame,
        )


def shaped(pcm: Pcm, from_hz: int, to_hz: int) -> Pcm:
    """A whole sentence at once."""
    shaper = Shaper(from_hz, to_hz)
    return np.concatenate((shaper.feed(pcm), shaper.finish()))
