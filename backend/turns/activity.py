"""Is this window the caller's voice? By probability, loudness and the line's noise."""

from enum import Enum, auto

from backend.turns.base import Window
from backend.turns.settings import ActivitySettings


class Voice(Enum):
    """What a window holds of the caller's voice."""

    NONE = auto()
    FADING = auto()
    """The detector still hears it, but it is no more than the end of a word."""
    CLEAR = auto()


class Activity:
    """The voice activity of one call, window by window."""

    def __init__(self, settings: ActivitySettings) -> None:
        self._settings = settings
        self._noise_dbfs: float | None = None
        self._voice_dbfs = float("-inf")
        self._voiced = False
        self._convincing_at_s = float("-inf")
        self._faint_s = 0.0

    def hear(self, window: Window) -> Voice:
        """What the caller does in the next window. Our own echo is not the caller."""
        self._voiced = not window.is_echo and self._is_voiced(window)
        if not window.is_echo:
            self._follow_noise(window)
        if not self._voiced:
            self._faint_s = 0.0
            return Voice.NONE
        return Voice.CLEAR if self._is_clear(window) else Voice.FADING

    @property
    def start_probability(self) -> float:
        """What it takes to begin: more on a noisy line."""
        s = self._settings
        noise_dbfs = s.quiet_line_dbfs if self._noise_dbfs is None else self._noise_dbfs
        share = (noise_dbfs - s.quiet_line_dbfs) / (s.noisy_line_dbfs - s.quiet_line_dbfs)
        rise = min(1.0, max(0.0, share)) * (s.noisy_start_probability - s.start_probability)
        return s.start_probability + rise

    @property
    def drowned_s(self) -> float:
        """How much of what looks like a pause may be weak consonants that the noise hides."""
        s = self._settings
        if self._noise_dbfs is None:
            return 0.0
        over_noise_db = self._voice_dbfs - self._noise_dbfs
        share = (s.clear_db - over_noise_db) / (s.clear_db - s.drowning_db)
        return min(1.0, max(0.0, share)) * s.drowned_s

    def _is_voiced(self, window: Window) -> bool:
        if window.probability >= self.start_probability:
            self._convincing_at_s = window.at_s
            return True
        return self._voiced and self._still_voice(window)

    def _is_clear(self, window: Window) -> bool:
        s = self._settings
        is_audible = window.level_dbfs >= self._quietest_dbfs
        if is_audible and window.level_dbfs >= self._voice_dbfs - s.fades_db:
            self._voice_dbfs = max(self._voice_dbfs, window.level_dbfs)
            self._faint_s = 0.0
            return True
        self._faint_s += window.length_s
        if self._faint_s < s.faint_voice_s:
            return False
        if not is_audible and window.probability < s.sure_probability:
            return False
        self._voice_dbfs = window.level_dbfs
        return True

    @property
    def _quietest_dbfs(self) -> float:
        s = self._settings
        noise_dbfs = s.minimum_dbfs if self._noise_dbfs is None else self._noise_dbfs
        return max(s.minimum_dbfs, noise_dbfs + s.above_noise_db)

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
        self._heard_at_s = float("-inf")
        self._ignored = False
        self.began_at_s = 0.0
        self.voiced_s = 0.0

    def hear(self, window: Window, voice: Voice) -> None:
        """The next window. Only clear voice counts, but it may fade for a moment."""
        is_over = window.at_s - self._heard_at_s > self._dropout_s
        if voice is Voice.NONE:
            if is_over:
                self._ignored = False
                self.clear()
            return
        self._heard_at_s = window.at_s
        if voice is Voice.CLEAR and not self._ignored:
            if not self.voiced_s:
                self.began_at_s = window.at_s - window.length_s
            self.voiced_s += window.length_s

    def clear(self) -> None:
        """What comes next begins a new one."""
        self.voiced_s = 0.0

    def ignore(self) -> None:
        """What sounds now is noise: nothing counts until it has stopped."""
        self.clear()
        self._ignored = True
