"""The one shape of a value found in what a caller said, and of whatever finds one."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Value = TypeVar("Value", covariant=True)

CERTAIN = 0.95
"""Said in so many words: only the recogniser can be wrong."""
LIKELY = 0.8
"""One thing was filled in the usual way: "at three" is in the afternoon."""
GUESSED = 0.5
"""Another reading is about as good: read it back before acting on it."""


@dataclass(frozen=True, slots=True)
class SlotValue(Generic[Value]):
    """A value, how sure we are of it, and where it stands.

    `confidence` (0–1) supposes that the words were recognised rightly; multiply it with the
    recogniser's. `str(value)` is the form tickets and tables keep.
    """

    value: Value
    confidence: float
    span: tuple[int, int]
    """First character and the one after the last in the text given; (0, 0) where it was keyed."""
    read_back: str
    """The value as part of a sentence to be spoken: digits grouped, letters apart."""


class SlotReader(Protocol[Value]):
    """Finds one kind of value. Built with what it needs to know (region, the time now).

    Reads recogniser text (lower case, no punctuation, homophones) as well as typed text, takes
    microseconds to a few milliseconds, and never raises for any text. What it is asked about is
    the answer to a question: "three" is a time where a time was asked for.
    """

    def read(self, text: str) -> SlotValue[Value] | None:
        """The value the caller means, after corrections of their own; None without one."""

    def keyed(self, keys: str) -> SlotValue[Value] | None:
        """The value keyed on a telephone; None where it is no such value or cannot be keyed."""
