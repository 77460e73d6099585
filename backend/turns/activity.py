"""Is this window the caller's voice? By probability, loudness and the line's noise."""

from backend.turns.base import Window
from backend.turns.settings import ActivitySettings


class Activity:
    """The voice activity of one call, window by window."""

    def __init__(self, settings: ActivitySettings) -> None:
        self._settings = settings
        self._noise_dbfs: float | None = None
        self._voiced = False
        self._convincing_at_s = float("-inf")

    @property
    def start_probability(self) -> float:
        """What it takes to begin: more on a noisy line."""
        s = self._settings
        noise_dbfs = s.quiet_line_dbfs if self._noise_dbfs is None else self._noise_dbfs
        share = (noise_dbfs - s.quiet_line_dbfs) / (s.noisy_line_dbfs - s.quiet_line_dbfs)
        rise = min(1.0, max(0.0, share)) * (s.noisy_start_probability - s.start_probability)
        return s.start_probability + rise

    def hear(self, window: Window) -> bool:
        """Whether the caller speaks in the next window. Our own echo is not the caller."""
        if window.is_echo:
            self._voiced = False
            return False
        self._follow_noise(window)
        if self._may_be_voice(window):
            if window.probability >= self.start_probability:
                self._convincing_at_s = window.at_s
                self._voiced = True
            else:
                self._voiced = self._voiced and self._still_voice(window)
        else:
            self._voiced = False
        return self._voiced

    def _may_be_voice(self, window: Window) -> bool:
        s = self._settings
        if window.probability >= s.sure_probability:
            return True
        noise_dbfs = s.minimum_dbfs if self._noise_dbfs is None else self._noise_dbfs
        return window.level_dbfs >= max(s.minimum_dbfs, noise_dbfs + s.above_noise_db)

    def _still_voice(self, window: Window) -> bool:
        s = self._settings
        enough = window.probability >= self.start_probability - s.hysteresis
        return enough and window.at_s - self._convincing_at_s <= s.bridge_s

    def _follow_noise(self, window: Window) -> None:
        s = self._settings
        if window.probability >= s.noise_probability:
            return
        if self._noise_dbfs is None:
            self._noise_dbfs = window.level_dbfs
        share = min(1.0, window.length_s / s.noise_settles_s)
        self._noise_dbfs += share * (window.level_dbfs - self._noise_dbfs)


class Run:
    """Voice at a stretch, before it is known whether it amounts to anything."""

    def __init__(self, dropout_s: float) -> None:
        self._dropout_s = dropout_s
        self._ended_at_s = 0.0
        self._ignored = False
        self.began_at_s = 0.0
        self.voiced_s = 0.0

    def hear(self, window: Window, voiced: bool) -> None:
        """The next window, and whether it is the caller's voice."""
        if voiced and not self._ignored:
            if not self.voiced_s:
                self.began_at_s = window.at_s - window.length_s
            self.voiced_s += window.length_s
        elif self.voiced_s and window.at_s - self._ended_at_s > self._dropout_s:
            self.clear()
        if voiced:
            self._ended_at_s = window.at_s
        elif window.at_s - self._ended_at_s > self._dropout_s:
            self._ignored = False

    def clear(self) -> None:
        """What comes next begins a new one."""
        self.voiced_s = 0.0

    def ignore(self) -> None:
        """What sounds now is noise: nothing counts until it has stopped."""
        self.clear()
        self._ignored = True
