"""The door to a caller: one line, whatever the transport. The conversation loop is written once.

When the caller is gone, every operation raises `HungUp`.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from backend.audio.pcm import Pcm
from backend.core.records import CallInfo
from backend.core.speech import HeardSoFar, Question, Sentence
from backend.tts.base import Clip


class Ear(Protocol):
    """What a line that carries audio gives the caller's voice to, as it arrives.

    All methods return at once. A line that leaves the end of a turn to somebody else (FastAGI: to
    Asterisk) only feeds; one that decides itself also tells of pauses and asks what was heard.
    """

    def feed(self, pcm: Pcm) -> None:
        """Next samples at the line's `ear_rate_hz`."""

    def pause(self) -> None:
        """The caller has fallen silent, perhaps for good: understand it now, prepare the answer."""

    def resume(self) -> None:
        """They went on: what was prepared is void. What was fed stays part of the utterance."""

    def forget(self) -> None:
        """It was nothing (a cough while we spoke): the utterance begins anew with the next feed."""

    @property
    def heard(self) -> HeardSoFar:
        """What the utterance amounts to so far. UNKNOWN while that is being found out."""


Listener = Callable[[Pcm], None]
"""Is given what both sides said, as (samples, 2): caller, bot; at the line's `ear_rate_hz`, half a
second after they said it. Returns at once."""


class InputKind(StrEnum):
    """How the caller's turn came in."""

    SPEECH = "speech"
    """Sound, given to the ear; whether it was words is the recogniser's word."""
    DIGITS = "digits"
    TEXT = "text"
    SILENCE = "silence"
    """Nothing above the line's own idea of silence."""


@dataclass(frozen=True, slots=True)
class CallerInput:
    """One turn of the caller, as far as the line can tell."""

    kind: InputKind
    text: str = ""
    digits: str = ""
    ended_at_s: float = 0.0
    """`time.monotonic()` when the line decided that the turn had ended."""
    voice_ended_at_s: float | None = None
    """`time.monotonic()` when the caller's last voiced sample reached us; None for text, keys."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One sentence to play: its words, and its audio for lines that carry audio."""

    sentence: Sentence
    clip: Clip | None = None
    """None on lines without audio."""


@dataclass(frozen=True, slots=True)
class Said:
    """What became of an answer."""

    heard: tuple[str, ...]
    """The sentences the caller actually heard; the last may be cut short when interrupted."""
    interrupted: bool = False
    digits: str = ""
    """Keys that interrupted us: the beginning of the next input. The line keeps them for `hear`."""
    first_audio_at_s: float | None = None
    """`time.monotonic()` when our first sample left; None when nothing was played."""
    transport_s: float | None = None
    """What the way to the caller adds, as far as the line can measure it."""


class TransferResult(StrEnum):
    """How a transfer went."""

    CONNECTED = "connected"
    """The person answered and the conversation with them is over: nothing is left to say."""
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    NOT_ALLOWED = "not_allowed"


class Line(Protocol):
    """One caller on one transport."""

    @property
    def info(self) -> CallInfo:
        """Who is calling, and how."""

    @property
    def may_be_cut(self) -> bool:
        """Whether `hear` and `say` may be cancelled and the line be used afterwards."""

    @property
    def ear_rate_hz(self) -> int | None:
        """Sample rate of what the ear is fed; None when the line carries no audio (text chat)."""

    @property
    def voice_rate_hz(self) -> int | None:
        """Sample rate of what is played; None when the line carries no audio."""

    async def answer(self) -> None:
        """Pick up. Nothing can be said or heard before."""

    async def hear(self, question: Question, ear: Ear) -> CallerInput:
        """What the caller says, keys or types next; `ear` is the one the last `say` was given."""

    async def say(self, utterances: AsyncIterator[Utterance], ear: Ear) -> Said:
        """Play until done or interrupted. Returns when the caller has heard it.

        What the caller says meanwhile goes to `ear`: the beginning of the next `hear`.
        """

    async def start_recording(self, name: str) -> None:
        """Record both sides from now on; `name` is a file name stem. Lines without audio ignore it.

        Raises LineError when it cannot be recorded; the call goes on.
        """

    def listen_in(self, listener: "Listener") -> Callable[[], None]:
        """Have somebody else hear both sides; the returned function ends that, more than once is
        harmless. Raises LineError when this line's audio does not pass through us.
        """

    async def transfer(self, extension: str) -> TransferResult:
        """Connect the caller to `extension`. Blocks until that conversation ends or fails."""

    async def hang_up(self) -> None:
        """End the call. Never raises HungUp: gone is gone."""
