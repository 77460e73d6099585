"""Voice activity by loudness alone, for machines where the model does not load."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.audio.level import FULL_SCALE, SpeechSettings

RATE_HZ = 8000
WINDOW = 256
ENERGY = SpeechSettings(frame_s=WINDOW / RATE_HZ, debounce_s=0.03)
"""One window is debounce enough: turn-taking asks for more than one in a row to begin a turn."""
_DB_PER_DECADE_OF_ODDS = 6.0
"""Twice the threshold's amplitude is ten to one for speech, half of it ten to one against."""
_HANGOVER_S = 0.16
"""Doubt for so long after a voice: closures inside words are silent to a level meter."""
_DOUBT = 0.49


class Energy:
    """Loud against the line's own noise, which is followed. `level.SpeechDetector`, batched.

    Minimum speech is turn-taking's: it knows what is being waited for.
    """

    name = "energy"
    rate_hz = RATE_HZ
    window = WINDOW

    def __init__(self, settings: SpeechSettings = ENERGY) -> None:
        window_s = WINDOW / RATE_HZ
        self._minimum_db = settings.minimum_dbfs
        self._factor_db = 20 * float(np.log10(settings.baseline_factor))
        self._rise_db = settings.baseline_rise_db_per_s * window_s
        self._limit_db = settings.baseline_limit_dbfs
        self._hangover = round(_HANGOVER_S / window_s)
        self._debounce = max(1, round(settings.debounce_s / window_s))

    def new_state(self) -> NDArray[np.float32]:
        """The line's noise in dBFS, unknown before the first window; how many windows on end were
        loud; how many there may still be doubt after a voice."""
        return np.array([np.nan, 0.0, 0.0], dtype=np.float32)

    def probabilities(
        self, windows: NDArray[np.int16], states: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        """See VoiceDetector. 0.5 at the threshold, nothing while it may still be a click."""
        if not len(states):
            return np.zeros(0, dtype=np.float32)
        baseline, run, doubt = np.stack(states).T
        level = _levels_dbfs(windows)
        baseline = self._follow(level, baseline)
        above = level - np.maximum(self._minimum_db, baseline + self._factor_db)
        run = np.where(above >= 0, run + 1, 0)
        doubt = np.where(run >= self._debounce, self._hangover, np.maximum(doubt - 1, 0))
        for state, row in zip(states, np.stack((baseline, run, doubt), axis=1), strict=True):
            state[:] = row
        odds = 10 ** (np.clip(above, -60, 60) / _DB_PER_DECADE_OF_ODDS)
        spoken = np.where((above >= 0) & (run < self._debounce), 0.0, odds / (1 + odds))
        spoken = np.where((run == 0) & (doubt > 0), np.maximum(spoken, _DOUBT), spoken)
        return spoken.astype(np.float32)

    def _follow(self, level: NDArray[np.float64], baseline: NDArray[Any]) -> NDArray[Any]:
        """The line's noise: what is quieter at once, what is louder slowly and up to a limit."""
        followed = np.minimum(np.fmin(level, baseline + self._rise_db), self._limit_db)
        # Lower than where it begins to matter it would only take longer to rise.
        return np.maximum(followed, self._minimum_db - self._factor_db)


def _levels_dbfs(windows: NDArray[np.int16]) -> NDArray[np.float64]:
    power = np.mean(windows.astype(np.float64) ** 2, axis=1) / FULL_SCALE**2
    levels: NDArray[np.float64] = 10 * np.log10(np.maximum(power, 1e-10))
    return levels
