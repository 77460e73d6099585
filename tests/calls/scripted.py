"""A line and an agent that follow a script, for tests of the conversation loop alone."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from backend.agent.base import Dialogue, Step
from backend.asr.base import Vocabulary
from backend.audio.pcm import Pcm
from backend.calls.conversation import Conversation, ConversationLimits, Engines
from backend.calls.publisher import CallPublisher
from backend.core.errors import HungUp, LineError
from backend.core.events import CallEvent, EventBus, EventType
from backend.core.records import CallInfo, CallOutcome, TicketDraft
from backend.core.speech import OPEN_QUESTION, Completeness, Heard, Question, Sentence, Transcript
from backend.telephony.line import (
    CallerInput,
    Ear,
    InputKind,
    Listener,
    Said,
    TransferResult,
    Utterance,
)
from backend.tts.base import Clip

FILLER = Sentence("One moment, please.", "test:filler")


@dataclass(frozen=True)
class Memory:
    """A dialogue that only counts."""

    replies: int = 0
    question: Question = OPEN_QUESTION
    main_intent: str = "test"


Reply = Callable[[Heard, Dialogue], AsyncIterator[Step]]


class ScriptedAgent:
    """Answers everything with `reply`, and remembers what it was given."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self.heard: list[Heard] = []

    def begin(self, call: CallInfo) -> Dialogue:
        return Memory()

    async def reply(self, heard: Heard, dialogue: Dialogue) -> AsyncIterator[Step]:
        self.heard.append(heard)
        async for step in self._reply(heard, dialogue):
            yield step

    def completeness(self, text: str, dialogue: Dialogue) -> Completeness:
        return Completeness.UNKNOWN

    def interrupted(self, dialogue: Dialogue, heard: Sequence[str]) -> Dialogue:
        return dialogue

    def filler(self, dialogue: Dialogue) -> Sentence:
        return FILLER

    def fixed_sentences(self) -> Sequence[str]:
        return ()


class ScriptedLine:
    """Hears `inputs` in order, then the caller hangs up. An exception in the list is raised."""

    may_be_cut = True
    ear_rate_hz: int | None = 8000
    voice_rate_hz: int | None = 8000

    def __init__(
        self,
        inputs: Sequence[CallerInput | Exception] = (),
        *,
        hang_up_in: str = "",
        transfer: TransferResult = TransferResult.CONNECTED,
        recording_error: Exception | None = None,
    ) -> None:
        self.info = CallInfo("20260101-000000-abcdef", "agi", caller="1001", called="100")
        self.said: list[str] = []
        self.hung_up = False
        self._inputs: Iterator[CallerInput | Exception] = iter(inputs)
        self._hang_up_in = hang_up_in
        self._transfer = transfer
        self._recording_error = recording_error

    def _maybe_gone(self, where: str) -> None:
        if self._hang_up_in == where:
            raise HungUp

    async def answer(self) -> None:
        self._maybe_gone("answer")

    async def hear(self, question: Question, ear: Ear) -> CallerInput:
        self._maybe_gone("hear")
        given = next(self._inputs, None)
        if given is None:
            raise HungUp
        if isinstance(given, Exception):
            raise given
        if given.kind is InputKind.SPEECH:
            ear.feed(np.zeros(160, dtype=np.int16))
        return given

    async def say(self, utterances: AsyncIterator[Utterance], ear: Ear) -> Said:
        self._maybe_gone("say")
        heard = []
        async for utterance in utterances:
            self._maybe_gone("sentence")
            heard.append(utterance.sentence.text)
        self.said += heard
        return Said(tuple(heard), first_audio_at_s=1.0)

    async def start_recording(self, name: str) -> None:
        if self._recording_error is not None:
            raise self._recording_error

    def listen_in(self, listener: Listener) -> Callable[[], None]:
        raise LineError("Nobody listens in on a script.")

    async def transfer(self, extension: str) -> TransferResult:
        self._maybe_gone("transfer")
        return self._transfer

    async def hang_up(self) -> None:
        self.hung_up = True


class NoClip:
    """Stands where audio would be."""

    text = ""
    rate_hz = 8000

    async def chunks(self) -> AsyncIterator[Pcm]:
        yield np.zeros(160, dtype=np.int16)

    def close(self) -> None: ...


class MuteVoice:
    """Makes no audio."""

    name = "mute"

    def clip(self, text: str, rate_hz: int) -> Clip:
        return NoClip()  # type: ignore[return-value]

    async def warm(self, texts: object, rate_hz: int) -> None:
        return None


@dataclass
class ScriptedRecogniser:
    """Understands `results` in order; an exception in the list is raised."""

    results: list[Transcript | Exception] = field(default_factory=list)
    name: str = "scripted"
    is_overloaded: bool = False

    async def start(self) -> None: ...

    def listen(self, question: Question, rate_hz: int) -> "ScriptedRecogniser":
        return self

    def set_vocabulary(self, vocabulary: Vocabulary) -> None: ...

    async def aclose(self) -> None: ...

    def feed(self, pcm: Pcm) -> None: ...

    def partial(self) -> Transcript | None:
        return None

    async def peek(self) -> Transcript:
        raise NotImplementedError

    async def finish(self) -> Transcript:
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    def cancel(self) -> None: ...


@dataclass
class Desk:
    """Keeps tickets in a list; refuses with `error` when set; takes `work` first."""

    drafts: list[TicketDraft] = field(default_factory=list)
    error: Exception | None = None
    opening: asyncio.Event = field(default_factory=asyncio.Event)

    async def open_ticket(self, draft: TicketDraft, call_id: str | None) -> None:
        self.opening.set()
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        self.drafts.append(draft)


@dataclass
class Held:
    """A finished call: how it ended and everything that happened."""

    outcome: CallOutcome
    events: list[CallEvent]

    def of(self, event_type: EventType) -> list[CallEvent]:
        return [event for event in self.events if event.type is event_type]


async def hold(
    line: ScriptedLine,
    agent: ScriptedAgent,
    *,
    recogniser: ScriptedRecogniser | None = None,
    desk: Desk | None = None,
    max_call_s: float = 600,
) -> Held:
    """Run one conversation to its end."""
    bus = EventBus()
    events: list[CallEvent] = []
    bus.subscribe(events.append)
    engines = Engines(agent, MuteVoice(), recogniser or ScriptedRecogniser(), desk or Desk())
    limits = ConversationLimits(max_call_s=max_call_s, reprompts=1, reject_below=0.2)
    call = Conversation(line, engines, limits, CallPublisher(bus, line.info.call_id))
    return Held(await call.run(), events)
