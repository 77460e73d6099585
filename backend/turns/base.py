"""The door to turn-taking: what a line tells it, and what it decides."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from backend.core.speech import HeardSoFar, Question


@dataclass(frozen=True, slots=True)
class Window:
    """One analysed piece of the caller's audio (32 ms with Silero)."""

    at_s: float
    """Time at its end, on any clock that only moves forward: the same for all calls."""
    length_s: float
    probability: float
    """That somebody speaks in it, 0-1."""
    level_dbfs: float
    is_echo: bool = False
    """It is our own voice coming back."""


class Decision(StrEnum):
    """What has become clear with a window. At most one for each window."""

    STARTED = "started"
    """The caller began to speak: their utterance begins `TurnTaker.onset_s` ago."""
    PAUSED = "paused"
    """The caller fell silent, perhaps for good."""
    RESUMED = "resumed"
    """The caller went on after a pause within the turn."""
    ENDED = "ended"
    """The turn is over: the caller has said what they wanted to say."""
    NO_ANSWER = "no_answer"
    """The caller was given long enough to begin, and did not."""
    HOLD = "hold"
    """While we speak: the caller speaks, too. Fall silent, remember where."""
    GO_ON = "go_on"
    """It was nothing (a cough, "mhm"): go on where we stopped; forget what was heard."""
    INTERRUPTED = "interrupted"
    """The caller has the floor. Their utterance goes on; `listen` follows."""


class TurnTaker(Protocol):
    """The turn-taking of one call. Reads no clock: time comes in with the windows."""

    def listen(self, question: Question, at_s: float) -> None:
        """We are silent and wait for the answer. An utterance that has begun goes on."""

    def speak(self, at_s: float, *, interruptible: bool) -> None:
        """We begin a sentence (again for each one, whose interruptibility may differ)."""

    def hear(self, window: Window, heard: HeardSoFar) -> Decision | None:
        """The next window of the caller, and what the ear makes of the utterance so far."""

    @property
    def onset_s(self) -> float:
        """With STARTED or HOLD: how long before the window's end the voice began, with a margin
        for soft consonants. That much audio from before belongs to the utterance."""

    @property
    def voice_ended_at_s(self) -> float | None:
        """Time of the last voiced window's end in the utterance; None before any."""
