"""The ear the conversation lends to a line: understands the caller while they are speaking."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from backend.agent.base import Agent, Dialogue
from backend.asr.base import Recogniser, RecogniserStream
from backend.audio.pcm import Pcm
from backend.calls.publisher import CallPublisher
from backend.calls.speculation import Speculation
from backend.core.errors import EngineError
from backend.core.events import EventType
from backend.core.speech import Completeness, Expect, Heard, HeardSoFar, Question, Transcript

log = structlog.get_logger(__name__)

NOTHING = Transcript("", confidence=0.0)
TOLD_EVERY_S = 0.4
"""How often who watches is told what the caller is saying: about once a word."""
_MAY_BE_ALL = (Completeness.COMPLETE, Completeness.UNKNOWN)


class Floor(Protocol):
    """What the caller is reacting to at this moment."""

    @property
    def question(self) -> Question:
        """The question they have heard; open while ours has not been reached."""

    @property
    def dialogue(self) -> Dialogue:
        """What the agent will answer in."""

    @property
    def caller_turn(self) -> int:
        """Number of the turn they are speaking, or about to."""


class Listening:
    """An `Ear` for one turn of the caller, beginning while we still speak.

    Costs nothing until the caller makes a sound. In a pause it has the words judged and, if they
    may be all, their answer prepared. `aclose` it, whatever came of it.
    """

    def __init__(
        self,
        rate_hz: int | None,
        recogniser: Recogniser,
        agent: Agent,
        floor: Floor,
        speculation: Speculation,
        words: Callable[[Transcript], Heard | None],
        events: CallPublisher,
    ) -> None:
        self._rate_hz = rate_hz
        self._recogniser = recogniser
        self._agent = agent
        self._floor = floor
        self._speculation = speculation
        self._words = words
        self._events = events
        self._stream: RecogniserStream | None = None
        self._question: Question | None = None
        """The one the stream listens for."""
        self._is_deaf = rate_hz is None
        self._heard = HeardSoFar()
        self._looking: asyncio.Task[None] | None = None
        """In a pause: finds out what was said."""
        self._seen: Transcript | None = None
        """What a look found; the turn's result unless the caller goes on."""
        self._told = ""
        self._untold = 0
        """Samples since who watches was last told."""
        self._generation = 0
        self._stale: set[asyncio.Task[None]] = set()

    @property
    def heard(self) -> HeardSoFar:
        """See `Ear`."""
        return self._heard

    @property
    def question(self) -> Question:
        """What the caller is taken to answer."""
        return self._question or self._floor.question

    def feed(self, pcm: Pcm) -> None:
        """See `Ear`. The first samples open the recogniser."""
        if self._stream is None and not self._is_deaf:
            self._open()
        if self._stream is not None:
            self._stream.feed(pcm)
            self._tell(self._stream, len(pcm))

    def pause(self) -> None:
        """See `Ear`."""
        self._generation = self._speculation.begin()
        self._look_no_more()
        if self._stream is None:
            self._heard = HeardSoFar()
            return
        self._heard = HeardSoFar(self._heard.text, Completeness.UNKNOWN)
        self._looking = asyncio.create_task(self._look(self._stream, self._generation))

    def resume(self) -> None:
        """See `Ear`."""
        self._speculation.drop()
        self._look_no_more()
        self._heard = HeardSoFar(self._heard.text, Completeness.UNKNOWN)

    def forget(self) -> None:
        """See `Ear`."""
        self._events.publish(
            EventType.CALLER_DISMISSED, turn=self._floor.caller_turn, text=self._heard.text
        )
        self._speculation.drop()
        self._look_no_more()
        self._close_stream()
        self._question = None
        self._heard = HeardSoFar()
        self._told = ""

    def reconsider(self) -> None:
        """The dialogue may have moved on since the caller began (they interrupted us): what they
        have said by now is judged by what they heard."""
        if self._seen is not None:
            self._judge(self._seen, self._generation)

    async def finish(self) -> Transcript:
        """The turn is over: what was said. Raises EngineError."""
        if self._looking is not None:
            await asyncio.wait({self._looking})
        if self._seen is not None:
            return self._seen
        return await self._stream.finish() if self._stream is not None else NOTHING

    async def aclose(self) -> None:
        """Listen no more, and wait until nothing of it runs."""
        self._look_no_more()
        self._close_stream()
        self._is_deaf = True
        if self._stale:
            await asyncio.wait(self._stale)

    def _tell(self, stream: RecogniserStream, samples: int) -> None:
        """Who watches sees the words come; in a pause a look tells them what they are."""
        self._untold += samples
        if self._looking is not None or self._untold < TOLD_EVERY_S * (self._rate_hz or 0):
            return
        self._untold = 0
        so_far = stream.partial()
        if so_far is not None and so_far.text != self._told:
            self._told = so_far.text
            turn = self._floor.caller_turn
            self._events.publish(EventType.CALLER_SPEAKING, turn=turn, text=so_far.text)

    def _open(self) -> None:
        assert self._rate_hz is not None  # noqa: S101 - deaf without
        self._question = self._floor.question
        self._heard = HeardSoFar("", Completeness.UNKNOWN)
        try:
            self._stream = self._recogniser.listen(self._question, self._rate_hz)
        except EngineError as error:
            self._is_deaf = True
            self._events.warn(error.code, str(error))

    async def _look(self, stream: RecogniserStream, generation: int) -> None:
        """What has been said so far, as if it were all. Never raises: a guess costs no call."""
        try:
            seen: Transcript | None
            try:
                seen = await stream.peek()
            except (EngineError, NotImplementedError):
                # Not able to, or too busy: a partial result is worth a guess, but is no result.
                seen, is_result = stream.partial(), False
            else:
                is_result = True
            if seen is not None and self._speculation.is_current(generation):
                self._seen = seen if is_result else None
                self._judge(seen, generation)
        except Exception:
            log.exception("look-failed", call_id=self._events.call_id)

    def _judge(self, transcript: Transcript, generation: int) -> None:
        heard, dialogue = self._words(transcript), self._floor.dialogue
        if heard is None:
            self._heard = HeardSoFar()
            return
        completeness = self._agent.completeness(heard.text, dialogue)
        is_whole = completeness is Completeness.COMPLETE
        answers = is_whole and self.question.expect is not Expect.OPEN
        self._heard = HeardSoFar(heard.text, completeness, heard.confidence, answers)
        self._events.publish(
            EventType.CALLER_SAYS,
            turn=self._floor.caller_turn,
            text=heard.text,
            completeness=completeness,
        )
        if completeness in _MAY_BE_ALL:
            self._speculation.prepare(generation, heard, dialogue)

    def _look_no_more(self) -> None:
        self._seen = None
        looking, self._looking = self._looking, None
        if looking is not None and not looking.done():
            looking.cancel()
            self._stale.add(looking)
            looking.add_done_callback(self._stale.discard)

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.cancel()
