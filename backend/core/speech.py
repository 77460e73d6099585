"""What is said and heard, as every room speaks of it."""

from dataclasses import dataclass
from enum import StrEnum


class Expect(StrEnum):
    """What kind of answer the question just asked calls for."""

    OPEN = "open"
    """Anything: recognised with a language model."""
    YES_NO = "yes_no"
    NUMBER = "number"
    """A string of digits (a customer number): spoken or keyed."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the caller is answering. Recogniser, keypad and turn-taking all adapt to it."""

    expect: Expect = Expect.OPEN
    min_digits: int = 1
    max_digits: int = 1
    """For `NUMBER`: how many digits are a complete answer. For the others: keys of a menu."""


OPEN_QUESTION = Question()


@dataclass(frozen=True, slots=True)
class Transcript:
    """One utterance as a recogniser understood it.

    `text` is lower case words without punctuation when the engine cannot do better; empty means
    nothing intelligible was said. All probabilities and `confidence` are 0–1.
    """

    text: str
    confidence: float
    language: str = "en"
    language_probability: float = 1.0
    no_speech_probability: float = 0.0
    audio_s: float = 0.0
    """Seconds of audio given."""
    work_s: float = 0.0
    """Seconds of computing spent on it."""


class Completeness(StrEnum):
    """Whether what a caller has said so far can be the whole of their turn."""

    NOTHING = "nothing"
    """No words: noise, a cough."""
    UNFINISHED = "unfinished"
    """It asks to go on: half a number, "my number is", a trailing "and" or "um"."""
    UNKNOWN = "unknown"
    """Words that may be all, or not; also while the recogniser is still busy."""
    COMPLETE = "complete"
    """It fits the question and lacks nothing: "yes", a whole number, a clear request."""


@dataclass(frozen=True, slots=True)
class HeardSoFar:
    """What is known about an utterance while it is being spoken."""

    text: str = ""
    completeness: Completeness = Completeness.NOTHING
    confidence: float = 1.0
    """In the words, 0-1."""
    answers: bool = False
    """It answers the question being asked, which leaves little choice (yes or no, a number) and has
    nearly been heard."""


class HeardKind(StrEnum):
    """What the agent is reacting to."""

    CALL_STARTED = "call_started"
    """The line is open; greet."""
    WORDS = "words"
    """The caller said or typed `text`."""
    DIGITS = "digits"
    """The caller pressed `digits` on the keypad."""
    SILENCE = "silence"
    """Nothing came in time."""
    UNINTELLIGIBLE = "unintelligible"
    """Sound came, but no words that fit."""
    TIME_UP = "time_up"
    """The call has reached its maximum duration; say goodbye."""
    TRANSFER_FAILED = "transfer_failed"
    """The transfer the agent asked for did not reach anyone."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One thing for the agent to react to."""

    kind: HeardKind
    text: str = ""
    digits: str = ""
    confidence: float = 1.0
    give_up: bool = False
    """For SILENCE and UNINTELLIGIBLE: the caller has had the reprompts they get; close the call."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence for the caller to hear."""

    text: str
    source: str = ""
    """Who contributed it: `kb:faq/opening-hours`, `policy:billing`, `llm:llama3.2`, …"""
    interruptible: bool = True


UNSUPPORTED_SOURCE = "kb:responses/not_in_facts"
"""`Sentence.source` of what is said in place of a language model's invention; it is counted."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Where one turn's time went, in seconds; None where the line cannot know (text chat)."""

    endpoint_wait_s: float | None = None
    """Caller's last voiced sample → we decided that the turn ended."""
    recognition_s: float | None = None
    """Turn end → transcript."""
    thinking_s: float | None = None
    """Transcript → first sentence of the answer."""
    first_audio_s: float | None = None
    """First sentence → its first sample handed to the line."""
    transport_s: float | None = None
    """Handed to the line → left towards the caller, as far as the line can tell."""

    @property
    def total_s(self) -> float:
        """Caller's last voiced sample → our first voiced sample, the parts we know summed."""
        parts = (
            self.endpoint_wait_s,
            self.recognition_s,
            self.thinking_s,
            self.first_audio_s,
            self.transport_s,
        )
        return sum(part for part in parts if part is not None)
