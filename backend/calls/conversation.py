"""The conversation loop: greet, hear, think, say, until somebody leaves. Every line shares it."""

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

import structlog

from backend.agent.base import Agent, Dialogue, HangUp, Transfer
from backend.asr.base import Recogniser
from backend.calls.answer import Answer, Delivery, Filler, TicketDesk
from backend.calls.clock import clock_of
from backend.calls.judge import Confidence, Judge
from backend.calls.listening import Listening
from backend.calls.operator import Operator
from backend.calls.publisher import CallPublisher
from backend.calls.reply import Reply
from backend.calls.speculation import Speculation
from backend.core.errors import EngineError, FrontdeskError, HungUp
from backend.core.events import EventType
from backend.core.records import CallOutcome
from backend.core.speech import Clock, Heard, HeardKind, Question, Sentence, Transcript
from backend.telephony.line import CallerInput, InputKind, Line, TransferResult, Utterance
from backend.tts.base import Voice

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConversationLimits:
    """What bounds a call."""

    max_call_s: float
    reprompts: int
    reject_below: float
    """Recognition confidence under which the words do not count as understood."""
    confirm_below: float = 0.5
    """Recognition confidence under which the agent asks back."""
    filler_after_s: float = 1.0
    """Silence after the caller's turn that is bridged with a word."""


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
    """One call from the first ring to its last event. Also the `Floor` of its caller."""

    def __init__(
        self, line: Line, engines: Engines, limits: ConversationLimits, events: CallPublisher
    ) -> None:
        self._line = line
        self._engines = engines
        self._limits = limits
        self._events = events
        confidence = Confidence(limits.reject_below, limits.confirm_below)
        self._judge = Judge(confidence, limits.reprompts)
        self._speculation = Speculation(self._think, self._judge.same)
        self._dialogue: Dialogue = engines.agent.begin(line.info)
        self.operator = Operator(line, events)
        """What people may do to the call while it goes on."""
        self._delivery: Delivery | None = None
        """The answer being spoken."""
        self._turn_number = 0
        self._recording = ""

    @property
    def dialogue(self) -> Dialogue:
        """See `Floor`."""
        return self._delivery.dialogue if self._delivery is not None else self._dialogue

    @property
    def question(self) -> Question:
        """See `Floor`."""
        return (self._delivery or self._dialogue).question

    @property
    def caller_turn(self) -> int:
        """See `Floor`."""
        return self._turn_number + 1

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
        turn: _Turn | CallOutcome = _Turn(Heard(HeardKind.CALL_STARTED))
        try:
            while isinstance(turn, _Turn):
                turn = await self._unless_ordered(self._exchange(turn))
                self._turn_number += 1
        finally:
            await self._speculation.aclose()
        return turn

    async def _exchange(self, turn: _Turn) -> _Turn | CallOutcome:
        """Answer one turn; then the next one, or how the call ended."""
        ear = self._listening()
        try:
            answer = await self._answer(turn, ear)
            if answer.ending is not None:
                return await self._end(answer.ending)
            if self._events.elapsed_s >= self._limits.max_call_s:
                return _Turn(Heard(HeardKind.TIME_UP))
            return await self._hear(ear)
        finally:
            await ear.aclose()

    async def _end(self, ending: HangUp | Transfer) -> _Turn | CallOutcome:
        """End our part of the call; a turn when that failed."""
        if isinstance(ending, HangUp):
            await self._line.hang_up()
            return ending.outcome
        result = await self._transfer(ending.extension)
        if result is TransferResult.CONNECTED:
            await self._line.hang_up()
            return CallOutcome.TRANSFERRED
        return _Turn(Heard(HeardKind.TRANSFER_FAILED))

    async def _unless_ordered(
        self, exchange: Coroutine[Any, Any, _Turn | CallOutcome]
    ) -> _Turn | CallOutcome:
        """The exchange's result, unless an operator wants something else done."""
        going_on = asyncio.ensure_future(exchange)
        ordered = asyncio.ensure_future(self.operator.ordered())
        try:
            waited_for = {going_on, ordered} if self._line.may_be_cut else {going_on}
            await asyncio.wait(waited_for, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ordered.cancel()
            if not going_on.done():
                going_on.cancel()
            await asyncio.gather(going_on, ordered, return_exceptions=True)
        result = None if going_on.cancelled() else going_on.result()
        # Who has been hung up on, or put through, is beyond orders.
        order = None if isinstance(result, CallOutcome) else self.operator.take_order()
        if order is not None:
            return await self._unless_ordered(self._end(order))
        assert result is not None  # noqa: S101 - cut only by an order
        return result

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

    def _listening(self) -> Listening:
        engines = self._engines
        return Listening(
            self._line.ear_rate_hz,
            engines.recogniser,
            engines.agent,
            self,
            self._speculation,
            self._judge.words,
            self._events,
        )

    def _think(self, heard: Heard, dialogue: Dialogue) -> Reply:
        return Reply(self._engines.agent, heard, dialogue, self._utter)

    def _utter(self, sentence: Sentence) -> Utterance:
        rate_hz = self._line.voice_rate_hz
        clip = self._engines.voice.clip(sentence.text, rate_hz) if rate_hz else None
        return Utterance(sentence, clip)

    async def _answer(self, turn: _Turn, ear: Listening) -> Answer:
        reply = self._speculation.take(turn.heard, self._dialogue)
        self._delivery = Delivery(
            reply,
            self._turn_number,
            self._line,
            self._engines.desk,
            self._events,
            self._filler(turn),
        )
        try:
            answer = await self._delivery.run(ear)
        finally:
            self._delivery = None
        self._dialogue = answer.dialogue
        if answer.said.interrupted:
            self._dialogue = self._engines.agent.interrupted(answer.dialogue, answer.said.heard)
        self._publish_said(answer, turn, reply)
        return answer

    def _filler(self, turn: _Turn) -> Filler | None:
        if turn.input is None or self._line.voice_rate_hz is None:
            return None
        return Filler(
            turn.input.ended_at_s + self._limits.filler_after_s,
            lambda: self._utter(self._engines.agent.filler(self._dialogue)),
        )

    def _publish_said(self, answer: Answer, turn: _Turn, reply: Reply) -> None:
        said, given = answer.said, turn.input
        clock = Clock()
        if given is not None:
            clock = clock_of(
                given,
                understood_at_s=turn.understood_at_s,
                first_sentence_at_s=reply.first_sentence_at_s,
                first_audio_at_s=said.first_audio_at_s,
                transport_s=said.transport_s,
            )
        self._events.publish(
            EventType.BOT_SAID,
            turn=self._turn_number,
            text=" ".join(said.heard),
            intent=answer.intent,
            source=", ".join(answer.sources),
            interrupted=said.interrupted,
            prepared=given is not None and reply.begun_at_s < given.ended_at_s,
            filler=answer.used_filler,
            endpoint_wait_s=clock.endpoint_wait_s,
            recognition_s=clock.recognition_s,
            thinking_s=clock.thinking_s,
            first_audio_s=clock.first_audio_s,
            transport_s=clock.transport_s,
            total_s=clock.total_s,
        )

    async def _transfer(self, extension: str) -> TransferResult:
        self._events.publish(EventType.TRANSFER_STARTED, extension=extension)
        with self.operator.hands_off():
            result = await self._line.transfer(extension)
        if result is not TransferResult.CONNECTED:
            self._events.publish(
                EventType.TRANSFER_FAILED, extension=extension, reason=result.value
            )
        return result

    async def _hear(self, ear: Listening) -> _Turn:
        ear.reconsider()
        given = await self._line.hear(ear.question, ear)
        transcript = await self._transcribe(given, ear)
        heard = self._judge.turn(given, transcript)
        understood_at_s = time.monotonic()
        self._events.publish(
            EventType.CALLER_SAID,
            turn=self.caller_turn,
            kind=heard.kind,
            text=heard.text,
            digits=heard.digits,
            confidence=heard.confidence,
            audio_s=transcript.audio_s,
        )
        return _Turn(heard, given, understood_at_s)

    async def _transcribe(self, given: CallerInput, ear: Listening) -> Transcript:
        if given.kind is not InputKind.SPEECH:
            return Transcript(given.text, confidence=1.0)
        try:
            return await ear.finish()
        except EngineError as error:
            self._events.warn(error.code, str(error))
            return Transcript("", confidence=0.0)

    def _failed(self, code: str, message: str) -> CallOutcome:
        self._events.publish(EventType.ERROR, code=code, message=message)
        return CallOutcome.FAILED
