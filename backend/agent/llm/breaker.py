"""A circuit breaker: a server that fails is left alone for a while."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class BreakerState(StrEnum):
    """Where the circuit stands."""

    CLOSED = "closed"
    """Requests go through."""
    OPEN = "open"
    """Nothing goes through until the rest is over."""
    HALF_OPEN = "half_open"
    """One request goes through; its fate decides."""


@dataclass(slots=True)
class Breaker:
    """Opens after `failures_allowed` failures in a row, tries one request after `rest_s`.

    Every `allow` that returned True must be followed by exactly one of `succeeded`, `failed` and
    `abandoned`.
    """

    clock: Callable[[], float]
    """Monotonic seconds."""
    failures_allowed: int = 3
    rest_s: float = 30.0
    _failures: int = 0
    _opened_at_s: float | None = None
    _trying: bool = False

    @property
    def state(self) -> BreakerState:
        """Where the circuit stands now."""
        if self._opened_at_s is None:
            return BreakerState.CLOSED
        if self._trying or self.clock() - self._opened_at_s >= self.rest_s:
            return BreakerState.HALF_OPEN
        return BreakerState.OPEN

    def allow(self) -> bool:
        """Whether a request may be made now."""
        state = self.state
        if state is BreakerState.HALF_OPEN:
            if self._trying:
                return False
            self._trying = True
        return state is not BreakerState.OPEN

    def succeeded(self) -> None:
        """The request was answered."""
        self._failures = 0
        self._opened_at_s = None
        self._trying = False

    def failed(self, *, at_once: bool = False) -> bool:
        """The request was not answered; True when this opened the circuit.

        `at_once`: trying again soon is pointless (the model does not exist).
        """
        self._failures += 1
        was_closed = self._opened_at_s is None
        if at_once or self._trying or self._failures >= self.failures_allowed:
            self._opened_at_s = self.clock()
        self._trying = False
        return was_closed and self._opened_at_s is not None

    def abandoned(self) -> None:
        """The caller hung up before anything could be known."""
        self._trying = False
