"""The conversation loop: greet, hear, think, say, until somebody leaves. Every line shares it."""

import time
from dataclasses import dataclass

import structlog

from backend.agent.base import Agent, Dialogue, HangUp, Transfer
from backend.asr.base import Recogniser, RecogniserStream
from backend.audio.pcm import Pcm
from backend.calls.answer import Answer, Answerer, TicketDesk
from backend.calls.publisher import CallPublisher
from backend.core.errors import EngineError, FrontdeskError, HungUp
from backend.core.events import EventType
from backend.core.records import CallOutcome
from backend.core.speech import Clock, Heard, HeardKind, HeardSoFar, Question, Transcript
from backend.telephony.line import CallerInput, InputKind, Line, TransferResult
from backend.tts.base import Voice
from backend.turns.reprompt import RepromptPolicy

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConversationLimits:
    """What bounds a call."""

    max_call_s: float
    reprompts: int
    reject_below: float
    """Recognition confidence under which the words do not count as understood."""


@dataclass(frozen=True, slots=True)
class Engines:
    """What a conversation needs besides its line; shared by all calls."""

    agent: Agent
    voice: Voice
    recogniser: Recogniser
    desk: TicketDesk


@dataclass(frozen=True, slots=True)
class _Turn:
    """The caller's turn, understood, with the moments that matter for its clock."""

    heard: Heard
    input: CallerInput | None = None
    understood_at_s: float = 0.0


class Conversation:
    """One call from the first ring to its last event."""

    def __init__(
        self, line: Line, engines: Engines, limits: ConversationLimits, events: CallPublisher
    ) -> None:
        self._line = line
        self._engines = engines
        self._limits = limits
        self._events = events
        self._answerer = Answerer(line, engines.agent, engines.voice, engines.desk, events)
        self._reprompts = RepromptPolicy(limits.reprompts)
        self._dialogue: Dialogue = engines.agent.begin(line.info)
        self._turn_number = 0
        self._recording = ""

    async def run(self) -> CallOutcome:
        """Hold the call: CALL_STARTED is its first event and CALL_ENDED its last, always.

        On FAILED the line has not been hung up: its owner decides what the caller gets instead.
        """
        info = self._line.info
        self._events.publish(
            EventType.CALL_STARTED,
            line=info.line,
            caller=info.caller,
            called=info.called,
            pbx_id=info.pbx_id,
        )
        outcome = CallOutcome.INTERRUPTED
        try:
            outcome = await self._converse()
        except HungUp:
            outcome = CallOutcome.CALLER_HUNG_UP
        except FrontdeskError as error:
            outcome = self._failed(error.code, str(error))
        except Exception as error:
            log.exception("call-failed", call_id=info.call_id)
            outcome = self._failed("internal", type(error).__name__)
        finally:
            self._events.publish(
                EventType.CALL_ENDED,
                outcome=outcome,
                duration_s=round(self._events.elapsed_s, 3),
                recording=self._recording,
                intent=self._dialogue.main_intent,
            )
        return outcome

    async def _converse(self) -> CallOutcome:
        await self._line.answer()
        await self._record()
        turn = _Turn(Heard(HeardKind.CALL_STARTED))
        while True:
            answer = await self._answer(turn)
            ending = answer.ending
            if isinstance(ending, HangUp):
                await self._line.hang_up()
                return ending.outcome
            if isinstance(ending, Transfer):
                result = await self._transfer(ending.extension)
                if result is TransferResult.CONNECTED:
                    await self._line.hang_up()
                    return CallOutcome.TRANSFERRED
                turn = _Turn(Heard(HeardKind.TRANSFER_FAILED))
            elif self._events.elapsed_s >= self._limits.max_call_s:
                turn = _Turn(Heard(HeardKind.TIME_UP))
            else:
                turn = await self._hear()
            self._turn_number += 1

    async def _record(self) -> None:
        name = self._line.info.call_id
        if self._line.voice_rate_hz is None:
            return
        try:
            await self._line.start_recording(name)
        except FrontdeskError as error:
            self._events.warn("recording", str(error))
        else:
            self._recording = f"{name}.wav"

    async def _answer(self, turn: _Turn) -> Answer:
        answer = await self._answerer.answer(
            turn.heard, self._dialogue, self._turn_number, _Feeding()
        )
        self._dialogue = answer.dialogue
        clock = _clock(turn, answer)
        self._events.publish(
            EventType.BOT_SAID,
            turn=self._turn_number,
            text=" ".join(answer.said.heard),
            intent=answer.intent,
            source=", ".join(answer.sources),
            interrupted=answer.said.interrupted,
            endpoint_wait_s=clock.endpoint_wait_s,
            recognition_s=clock.recognition_s,
            thinking_s=clock.thinking_s,
            first_audio_s=clock.first_audio_s,
            transport_s=clock.transport_s,
            total_s=clock.total_s,
        )
        return answer

    async def _transfer(self, extension: str) -> TransferResult:
        self._events.publish(EventType.TRANSFER_STARTED, extension=extension)
        result = await self._line.transfer(extension)
        if result is not TransferResult.CONNECTED:
            self._events.publish(
                EventType.TRANSFER_FAILED, extension=extension, reason=result.value
            )
        return result

    async def _hear(self) -> _Turn:
        question = self._dialogue.question
        stream = self._listen(question)
        ear = _Feeding(stream)
        try:
            given = await self._line.hear(question, ear)
            transcript = await self._transcribe(given, stream)
        finally:
            if stream is not None:
                stream.cancel()
        heard = self._judge(given, transcript)
        self._events.publish(
            EventType.CALLER_SAID,
            turn=self._turn_number + 1,
            kind=heard.kind,
            text=heard.text,
            digits=heard.digits,
            confidence=heard.confidence,
            audio_s=transcript.audio_s,
        )
        return _Turn(heard, given, time.monotonic())

    def _listen(self, question: Question) -> RecogniserStream | None:
        if self._line.ear_rate_hz is None:
            return None
        return self._engines.recogniser.listen(question, self._line.ear_rate_hz)

    async def _transcribe(self, given: CallerInput, stream: RecogniserStream | None) -> Transcript:
        if given.kind is not InputKind.SPEECH or stream is None:
            return Transcript(given.text, confidence=1.0)
        try:
            return await stream.finish()
        except EngineError as error:
            self._events.warn(error.code, str(error))
            return Transcript("", confidence=0.0)

    def _judge(self, given: CallerInput, transcript: Transcript) -> Heard:
        """What it amounts to for the agent, counting failures in a row."""
        match given.kind:
            case InputKind.DIGITS if given.digits:
                self._reprompts.understood()
                return Heard(HeardKind.DIGITS, digits=given.digits)
            case InputKind.TEXT | InputKind.SPEECH if self._usable(transcript):
                self._reprompts.understood()
                return Heard(
                    HeardKind.WORDS, text=transcript.text, confidence=transcript.confidence
                )
            case InputKind.SILENCE:
                kind = HeardKind.SILENCE
            case _:
                kind = HeardKind.UNINTELLIGIBLE
        return Heard(kind, confidence=0.0, give_up=self._reprompts.failed())

    def _usable(self, transcript: Transcript) -> bool:
        return bool(transcript.text) and transcript.confidence >= self._limits.reject_below

    def _failed(self, code: str, message: str) -> CallOutcome:
        self._events.publish(EventType.ERROR, code=code, message=message)
        return CallOutcome.FAILED


class _Feeding:
    """Feeds a recogniser stream, if there is one."""

    heard = HeardSoFar()

    def __init__(self, stream: RecogniserStream | None = None) -> None:
        self._stream = stream

    def feed(self, pcm: Pcm) -> None:
        """To the stream."""
        if self._stream is not None:
            self._stream.feed(pcm)

    def pause(self) -> None:
        """Nothing is prepared."""

    def resume(self) -> None:
        """Nothing was prepared."""

    def forget(self) -> None:
        """Nothing was heard."""


def _clock(turn: _Turn, answer: Answer) -> Clock:
    """Where the turn's time went, from the caller's last voiced sample to our first."""
    given, first_sentence_at_s = turn.input, answer.first_sentence_at_s
    said = answer.said
    if given is None or first_sentence_at_s is None:
        return Clock()
    endpoint_wait_s = (
        given.ended_at_s - given.voice_ended_at_s if given.voice_ended_at_s is not None else None
    )
    first_audio_s = (
        said.first_audio_at_s - first_sentence_at_s if said.first_audio_at_s is not None else None
    )
    return Clock(
        endpoint_wait_s=endpoint_wait_s,
        recognition_s=turn.understood_at_s - given.ended_at_s,
        thinking_s=first_sentence_at_s - turn.understood_at_s,
        first_audio_s=first_audio_s,
        transport_s=said.transport_s,
    )
