"""A streaming line whose caller is the test: they speak, pause, go on, finish and interrupt."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import numpy as np

from backend.asr.base import Vocabulary
from backend.audio.pcm import Pcm
from backend.calls.conversation import Conversation, ConversationLimits, Engines
from backend.calls.publisher import CallPublisher
from backend.core.errors import EngineError, HungUp, LineError
from backend.core.events import CallEvent, EventBus, EventType
from backend.core.records import CallInfo, CallOutcome
from backend.core.speech import Question, Transcript
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
from tests.calls.scripted import Desk, ScriptedAgent

SENTENCE_S = 1.0
"""How long every sentence takes to say."""
SOUND: Pcm = np.zeros(160, dtype=np.int16)


class LiveRecogniser:
    """Understands what the test says is being said, `peek_s` after it is asked."""

    name = "live"
    is_overloaded = False

    def __init__(self, peek_s: float = 0.02, confidence: float = 0.9) -> None:
        self.peek_s = peek_s
        self.confidence = confidence
        self.saying = ""
        self.partly = ""
        """What a partial result makes of it, when that is something else."""
        self.cannot_peek = False
        self.opened: list[Question] = []
        self.finished = 0

    async def start(self) -> None: ...

    def listen(self, question: Question, rate_hz: int) -> "LiveStream":
        self.opened.append(question)
        return LiveStream(self)

    def set_vocabulary(self, vocabulary: Vocabulary) -> None: ...

    async def aclose(self) -> None: ...


class LiveStream:
    """One utterance."""

    def __init__(self, recogniser: LiveRecogniser) -> None:
        self._recogniser = recogniser

    def feed(self, pcm: Pcm) -> None: ...

    def partial(self) -> Transcript | None:
        recogniser = self._recogniser
        return Transcript(recogniser.partly or recogniser.saying, recogniser.confidence)

    async def peek(self) -> Transcript:
        if self._recogniser.cannot_peek:
            raise EngineError("All workers are busy.")
        saying = self._recogniser.saying
        await asyncio.sleep(self._recogniser.peek_s)
        return Transcript(saying, self._recogniser.confidence)

    async def finish(self) -> Transcript:
        self._recogniser.finished += 1
        await asyncio.sleep(self._recogniser.peek_s)
        return Transcript(self._recogniser.saying, self._recogniser.confidence)

    def cancel(self) -> None: ...


class LiveClip:
    """A sentence's audio, ready `synthesis_s` after it was asked for."""

    rate_hz = 8000

    def __init__(self, text: str, ready_at_s: float) -> None:
        self.text = text
        self.is_closed = False
        self._ready_at_s = ready_at_s

    async def chunks(self) -> AsyncIterator[Pcm]:
        await asyncio.sleep(max(0.0, self._ready_at_s - time.monotonic()))
        yield SOUND

    def close(self) -> None:
        self.is_closed = True


@dataclass
class LiveVoice:
    """Makes clips and remembers them. The filler is always ready."""

    synthesis_s: float = 0.05
    clips: list[LiveClip] = field(default_factory=list)
    name: str = "live"

    def clip(self, text: str, rate_hz: int) -> Clip:
        takes_s = 0.0 if text.startswith("One moment") else self.synthesis_s
        clip = LiveClip(text, time.monotonic() + takes_s)
        self.clips.append(clip)
        return clip  # type: ignore[return-value]

    async def warm(self, texts: object, rate_hz: int) -> None: ...


class StreamingLine:
    """What the caller does is called on it by the test, while the conversation runs."""

    may_be_cut = True
    ear_rate_hz: int | None = 8000
    voice_rate_hz: int | None = 8000

    def __init__(self, recogniser: LiveRecogniser) -> None:
        self.info = CallInfo("20260101-000000-abcdef", "stream", caller="1001", called="200")
        self.played: list[str] = []
        self.hung_up = False
        self.transferred_to = ""
        self._recogniser = recogniser
        self._ear: Ear | None = None
        self._voice_ended_at_s: float | None = None
        self._events: asyncio.Queue[CallerInput | None] = asyncio.Queue()
        self._interrupted: asyncio.Future[str] | None = None
        self._listens = asyncio.Event()
        self._speaks = asyncio.Event()

    # The caller

    @property
    def ear(self) -> Ear:
        assert self._ear is not None
        return self._ear

    async def is_listened_to(self) -> None:
        await self._listens.wait()

    async def is_spoken_to(self) -> None:
        """Until a sentence can be heard."""
        await self._speaks.wait()

    def says(self, text: str) -> None:
        """All that has been said in this turn, this last bit included."""
        self._recogniser.saying = text
        self.ear.feed(SOUND)
        self._voice_ended_at_s = time.monotonic()

    async def finishes(self, after_s: float = 0.2) -> None:
        """Silent since the last word, until the line decides that this is the end."""
        await asyncio.sleep(after_s)
        ended = CallerInput(
            InputKind.SPEECH,
            ended_at_s=time.monotonic(),
            voice_ended_at_s=self._voice_ended_at_s,
        )
        self._events.put_nowait(ended)
        self._listens.clear()

    async def asks(self, text: str) -> None:
        """A whole turn: words, a pause, the end."""
        await self.is_listened_to()
        self.says(text)
        self.ear.pause()
        await self.finishes()

    def interrupts(self, heard: str) -> None:
        """Takes the floor in the middle of a sentence, of which `heard` was heard."""
        assert self._interrupted is not None
        self._interrupted.set_result(heard)

    def leaves(self) -> None:
        self._events.put_nowait(None)

    # The line

    async def answer(self) -> None: ...

    async def hear(self, question: Question, ear: Ear) -> CallerInput:
        self._ear = ear
        self._listens.set()
        given = await self._events.get()
        if given is None:
            raise HungUp
        return given

    async def say(self, utterances: AsyncIterator[Utterance], ear: Ear) -> Said:
        self._ear = ear
        self._interrupted = asyncio.get_running_loop().create_future()
        heard: list[str] = []
        first_audio_at_s: float | None = None
        async for utterance in utterances:
            assert utterance.clip is not None
            async for _ in utterance.clip.chunks():
                first_audio_at_s = first_audio_at_s or time.monotonic()
            self._speaks.set()
            self.played.append(utterance.sentence.text)
            await asyncio.wait({self._interrupted}, timeout=SENTENCE_S)
            self._speaks.clear()
            if self._interrupted.done():
                return Said((*heard, self._interrupted.result()), True, "", first_audio_at_s)
            heard.append(utterance.sentence.text)
        return Said(tuple(heard), first_audio_at_s=first_audio_at_s)

    async def start_recording(self, name: str) -> None: ...

    def listen_in(self, listener: Listener) -> Callable[[], None]:
        raise LineError("Nobody listens in on a script.")

    async def transfer(self, extension: str) -> TransferResult:
        self.transferred_to = extension
        return TransferResult.CONNECTED

    async def hang_up(self) -> None:
        self.hung_up = True


class Stage:
    """A call in progress, and all that can be seen of it."""

    def __init__(
        self,
        agent: ScriptedAgent,
        *,
        voice: LiveVoice | None = None,
        recogniser: LiveRecogniser | None = None,
        max_call_s: float = 600,
    ) -> None:
        self.agent = agent
        self.voice = voice or LiveVoice()
        self.recogniser = recogniser or LiveRecogniser()
        self.desk = Desk()
        self.line = StreamingLine(self.recogniser)
        self.events: list[CallEvent] = []
        self._bus = EventBus()
        self._bus.subscribe(self.events.append)
        self._limits = ConversationLimits(max_call_s=max_call_s, reprompts=1, reject_below=0.2)
        self._call: asyncio.Task[CallOutcome] | None = None

    async def __aenter__(self) -> "Stage":
        engines = Engines(self.agent, self.voice, self.recogniser, self.desk)
        events = CallPublisher(self._bus, self.line.info.call_id)
        call = Conversation(self.line, engines, self._limits, events)
        self._call = asyncio.create_task(call.run())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self.line.leaves()
        await self.ends()

    async def ends(self) -> CallOutcome:
        assert self._call is not None
        return await self._call

    def of(self, *types: EventType) -> list[CallEvent]:
        return [event for event in self.events if event.type in types]
