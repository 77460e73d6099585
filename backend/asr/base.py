"""The door to recognition: one protocol, streaming first."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from backend.audio.pcm import Pcm
from backend.core.speech import Question, Transcript


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What callers are likely to say, for recognisers that can be told. From the knowledge base."""

    sentences: Sequence[str] = ()
    """Example utterances as written in the knowledge base."""
    min_digits: int = 4
    max_digits: int = 8
    """How long customer numbers are: digit strings of these lengths are mixed in."""
    words: Sequence[str] = field(default_factory=tuple)
    """Further single words (plan names, the company's name)."""


class RecogniserStream(Protocol):
    """One utterance being recognised. Not shared between tasks."""

    def feed(self, pcm: Pcm) -> None:
        """Give the next samples. Returns at once; the work happens elsewhere.

        Any chunk length. Samples are at the rate given to `listen`.
        """

    def partial(self) -> Transcript | None:
        """What has been understood so far, if anything. Returns at once."""

    async def peek(self) -> Transcript:
        """The result as if no more audio came; the stream stays open and may be fed further.

        For pauses that may be the end of the turn. When nothing but silence is fed after it,
        `finish` gives the same and costs next to nothing. Raises EngineError like `finish`.
        """

    async def finish(self) -> Transcript:
        """No more audio comes: the final result.

        Raises EngineError when the engine failed; the stream is closed either way.
        """

    def cancel(self) -> None:
        """Drop the work. Safe at any time, more than once, and after `finish`."""


class Recogniser(Protocol):
    """One recognition engine, shared by all calls of the process."""

    @property
    def name(self) -> str:
        """Engine and model, e.g. `pocketsphinx` or `faster-whisper:base.en`."""

    @property
    def is_overloaded(self) -> bool:
        """Whether one more call would make those that are here wait: let it go elsewhere.

        Work that comes all the same may be refused: EngineError with the code `engine-busy`.
        """

    async def start(self) -> None:
        """Load and warm up. Raises EngineError when it cannot work here."""

    def listen(self, question: Question, rate_hz: int) -> RecogniserStream:
        """Begin an utterance that answers `question`, from audio at `rate_hz`."""

    def set_vocabulary(self, vocabulary: Vocabulary) -> None:
        """The knowledge base changed. Running streams keep the old one. Work happens elsewhere."""

    async def aclose(self) -> None:
        """Stop workers and free memory."""
