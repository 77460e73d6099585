"""Whether a caller's line only hums: then there is nothing that a voice detector could find."""

SILENT_DBFS = -66.0
"""Under this nobody speaks, quiet callers do so above -45: what a telephone channel may hum by
itself (ITU-T G.712: -65 dBm0p) is -71."""
ABOVE_REST_DB = 3.0
"""Up to this much over its mean a line at rest strays: windows of noise do by 1-2 dB, and voice
that is no louder does not count as voice (`turns.settings.ActivitySettings.above_noise_db`)."""
SETTLED_S = 0.3
"""How long nothing may have sounded like voice before a line is at rest: longer than the gaps in
words, and than a detector takes to forget a word."""
_UNLIKE_VOICE = 0.1
"""Probability under which a window has nothing of a voice."""
_FOLLOWS_S = 0.5
"""Time constant with which the line's level is followed."""


class Rest:
    """The line of one call, window by window."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._rest_dbfs: float | None = None
        self._quiet_s = 0.0

    def covers(self, level_dbfs: float) -> bool:
        """Whether a window of this level can be taken for the line at rest, unheard."""
        if self._rest_dbfs is None or self._quiet_s < SETTLED_S:
            return False
        return level_dbfs < max(SILENT_DBFS, self._rest_dbfs + ABOVE_REST_DB)

    def follow(self, level_dbfs: float, probability: float) -> None:
        """What the detector found, 0 for what it was not asked about."""
        if probability >= _UNLIKE_VOICE:
            self._quiet_s = 0.0
            return
        self._quiet_s += self._window_s
        if self._rest_dbfs is None:
            self._rest_dbfs = level_dbfs
        share = min(1.0, self._window_s / _FOLLOWS_S)
        self._rest_dbfs += share * (level_dbfs - self._rest_dbfs)
