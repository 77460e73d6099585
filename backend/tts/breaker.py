"""Leaves a failing engine alone for a while, longer each time. Time is passed in."""

FIRST_PAUSE_S = 2.0
"""Short: the first failure may have been one odd sentence."""
LONGEST_PAUSE_S = 300.0


class Breaker:
    """Closed while the engine works; open for a pause after a failure; then one try."""

    def __init__(self) -> None:
        self._pause_s = 0.0
        self._closed_again_at_s = 0.0
        self.reason = ""
        """Why the engine was last left alone; empty while it works."""

    @property
    def is_open(self) -> bool:
        """Whether the last try failed."""
        return self._pause_s > 0

    def allows(self, now_s: float) -> bool:
        """Whether the engine may be tried."""
        return not self.is_open or now_s >= self._closed_again_at_s

    def trying(self, now_s: float) -> None:
        """A try begins: while it lasts, nobody else is sent after it into the same failure."""
        if self.is_open:
            self._closed_again_at_s = now_s + self._pause_s

    def failed(self, now_s: float, reason: str) -> None:
        """Pause, twice as long as the last time."""
        self._pause_s = min(max(2 * self._pause_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        self._closed_again_at_s = now_s + self._pause_s
        self.reason = reason

    def succeeded(self) -> None:
        """The engine works."""
        self._pause_s = 0.0
        self.reason = ""
