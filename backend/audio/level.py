"""How loud audio is, and where in it somebody speaks, judged by energy alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.audio.pcm import EMPTY, Pcm

FULL_SCALE = 32768.0
SILENT_DBFS = -100.0
"""Level reported for digital silence, where the logarithm has no value (16 bits end at -96)."""


def rms(pcm: Pcm) -> float:
    """Root mean square in sample units, 0 for no samples."""
    if not len(pcm):
        return 0.0
    return float(np.sqrt(np.mean(pcm.astype(np.float64) ** 2)))


def dbfs(pcm: Pcm) -> float:
    """RMS level relative to a square wave of full scale: 0 is the loudest, silence is -100."""
    return amplitude_to_dbfs(rms(pcm))


def amplitude_to_dbfs(amplitude: float) -> float:
    """An amplitude in sample units as dBFS."""
    if amplitude <= 0:
        return SILENT_DBFS
    return max(SILENT_DBFS, float(20 * np.log10(amplitude / FULL_SCALE)))


def dbfs_to_amplitude(level_dbfs: float) -> float:
    """dBFS as an amplitude in sample units."""
    return float(FULL_SCALE * 10 ** (level_dbfs / 20))


@dataclass(frozen=True, slots=True)
class SpeechSettings:
    """What counts as speech. The defaults suit a telephone line."""

    frame_s: float = 0.02
    """Length of one decision: G.711's packet, a few periods of the lowest voice."""
    minimum_dbfs: float = -45.0
    """Below this nothing is speech: lines at rest lie under -55, quiet callers above -40."""
    baseline_factor: float = 2.5
    """Speech is this many times (8 dB) louder than the line's own noise. 20 ms frames of white
    noise stray by 3 dB at most; intelligible speech is 10 dB and more above its noise."""
    baseline_rise_db_per_s: float = 6.0
    """How fast a noise that sets in becomes the baseline. Falling is instant: the pauses between
    syllables pull the baseline down again long before steady speech could raise it."""
    baseline_limit_dbfs: float = -30.0
    """The baseline never rises above this: what is louder is somebody."""
    debounce_s: float = 0.06
    """Voice must last this long at a stretch to count: clicks are shorter than any syllable."""
    minimum_speech_s: float = 0.12
    """Less voiced time than this in all is not speech: the shortest "yes" has about 150 ms."""


class SpeechDetector:
    """Finds speech in audio that comes in chunks of any length. Keeps no audio."""

    def __init__(self, rate_hz: int, settings: SpeechSettings | None = None) -> None:
        self.settings = settings or SpeechSettings()
        self.rate_hz = rate_hz
        self._frame = max(1, round(self.settings.frame_s * rate_hz))
        self._rest = EMPTY
        self._frames = 0
        self._baseline: float | None = None
        self._run = 0
        self._voiced_frames = 0
        self._last_voiced_frame: int | None = None
        self._first_voiced_frame: int | None = None
        self._minimum = dbfs_to_amplitude(self.settings.minimum_dbfs)
        self._quietest_baseline = self._minimum / self.settings.baseline_factor
        self._limit = dbfs_to_amplitude(self.settings.baseline_limit_dbfs)
        self._rise = 10 ** (self.settings.baseline_rise_db_per_s * self.settings.frame_s / 20)
        self._debounce = max(1, round(self.settings.debounce_s / self.settings.frame_s))

    def feed(self, pcm: Pcm) -> list[bool]:
        """Judge the next samples: one flag for each frame that became complete, debounce apart."""
        joined = np.concatenate((self._rest, pcm)) if len(self._rest) else pcm
        self._rest = joined[len(joined) - len(joined) % self._frame :].copy()
        return [self._judge(level) for level in _frame_levels(joined, self._frame).tolist()]

    @property
    def has_speech(self) -> bool:
        """Enough voiced time has been heard to call it speech."""
        voiced_s = self._voiced_frames * self._frame / self.rate_hz
        # Half a frame of grace: durations that are whole frames compare as they read.
        return voiced_s > self.settings.minimum_speech_s - self.settings.frame_s / 2

    @property
    def voice_starts_at(self) -> int | None:
        """Index of the first voiced sample, counted over everything fed; None before speech."""
        if not self.has_speech or self._first_voiced_frame is None:
            return None
        return self._first_voiced_frame * self._frame

    @property
    def voice_ends_at(self) -> int | None:
        """Index just after the last voiced sample; None before speech."""
        if not self.has_speech or self._last_voiced_frame is None:
            return None
        return (self._last_voiced_frame + 1) * self._frame

    def last_voiced_sample(self, pcm: Pcm) -> int | None:
        """Feed a whole recording and tell `voice_ends_at`.

        The line's noise is known beforehand, from the quietest tenth of the recording, so that
        a word right at its beginning is not taken for noise.
        """
        levels = _frame_levels(pcm, self._frame)
        if len(levels):
            self._baseline = float(np.percentile(levels, 10))
        self.feed(pcm)
        return self.voice_ends_at

    def _judge(self, level: float) -> bool:
        baseline = level if self._baseline is None else self._baseline * self._rise
        # Lower than where it begins to matter it would only take longer to rise.
        self._baseline = max(min(level, baseline, self._limit), self._quietest_baseline)
        voiced = level >= max(self._minimum, self.settings.baseline_factor * self._baseline)
        if voiced:
            self._run += 1
            self._count_run()
        else:
            self._run = 0
        self._frames += 1
        return voiced

    def _count_run(self) -> None:
        """A run of voiced frames counts from its first frame once it is long enough."""
        if self._run < self._debounce:
            return
        first = self._frames - self._run + 1
        if self._first_voiced_frame is None:
            self._first_voiced_frame = first
        self._voiced_frames += self._run if self._run == self._debounce else 1
        self._last_voiced_frame = self._frames


def _frame_levels(pcm: Pcm, frame: int) -> NDArray[np.float64]:
    """RMS of each whole frame, in sample units."""
    rows = pcm[: len(pcm) - len(pcm) % frame].reshape(-1, frame).astype(np.float64)
    levels: NDArray[np.float64] = np.sqrt(np.vecdot(rows, rows) / frame)
    return levels


def trim_silence(
    pcm: Pcm, rate_hz: int, *, keep_s: float = 0.05, threshold_dbfs: float = -45.0
) -> Pcm:
    """Without leading and trailing silence beyond `keep_s`; empty when there is nothing else.

    Silence is 10 ms whose RMS is under the threshold: synthesised speech has no noise to adapt to.
    """
    frame = max(1, rate_hz // 100)
    padded = np.concatenate((pcm, np.zeros(-len(pcm) % frame, dtype=np.int16)))
    loud = np.nonzero(_frame_levels(padded, frame) >= dbfs_to_amplitude(threshold_dbfs))[0]
    if not len(loud):
        return EMPTY
    keep = round(keep_s * rate_hz)
    start = max(0, int(loud[0]) * frame - keep)
    return pcm[start : (int(loud[-1]) + 1) * frame + keep]
