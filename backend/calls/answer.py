"""One answer delivered: from here on it happens. Actions are carried out, sentences are played."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Protocol

from backend.agent.base import (
    Dialogue,
    HangUp,
    IdentifyCustomer,
    OpenTicket,
    Transfer,
    Understood,
)
from backend.calls.publisher import CallPublisher
from backend.calls.reply import Reply, ReplyStep
from backend.core.errors import FrontdeskError, HungUp
from backend.core.events import EventType
from backend.core.records import TicketDraft
from backend.core.speech import OPEN_QUESTION, HeardKind, Question
from backend.telephony.line import Ear, Line, Said, Utterance
from backend.tts.base import Clip

FINISH_AFTER_HANG_UP_S = 2.0
"""A caller who reports a fault and hangs up still gets the ticket: the answer's actions are
finished, but an LLM that is still writing is not waited for."""


class TicketDesk(Protocol):
    """Where tickets are stored."""

    async def open_ticket(self, draft: TicketDraft, call_id: str | None) -> None:
        """Store it; returns once it would survive a crash. Raises StoreError."""


@dataclass(frozen=True, slots=True)
class Filler:
    """What is said when the answer takes long, and when that is."""

    at_s: float
    """`time.monotonic()` from which the wait counts as long."""
    utter: Callable[[], Utterance]


@dataclass(slots=True)
class Answer:
    """What came of one answer."""

    dialogue: Dialogue
    said: Said = field(default_factory=lambda: Said(()))
    intent: str = ""
    sources: list[str] = field(default_factory=list)
    used_filler: bool = False
    ending: HangUp | Transfer | None = None
    """What is to be done now that everything has been said."""


class Delivery:
    """Speaks one reply on a line and carries its actions out in order.

    The actions run ahead of the voice: a ticket is stored before its number can be spoken, and is
    stored whatever the caller does meanwhile, since the agent has decided on it. Only what would
    end our part of the call (hanging up, a transfer) waits for the last word, and an interruption
    calls it off: the caller has the floor. An agent that is still thinking when it is interrupted
    is stopped; what it has not come to yet does not happen.
    """

    def __init__(
        self,
        reply: Reply,
        turn: int,
        line: Line,
        desk: TicketDesk,
        events: CallPublisher,
        filler: Filler | None = None,
    ) -> None:
        self._reply = reply
        self._turn = turn
        self._line = line
        self._desk = desk
        self._events = events
        self._filler = filler
        self._answer = Answer(reply.dialogue)
        self._ready: asyncio.Queue[Utterance | None] = asyncio.Queue()
        self._playing: Utterance | None = None

    @property
    def dialogue(self) -> Dialogue:
        """The dialogue the caller is in by now: the new one as soon as the agent has it."""
        return self._reply.next_dialogue or self._reply.dialogue

    @property
    def question(self) -> Question:
        """What the caller is answering if they speak now. A new question stands at an answer's
        end: who speaks before it is reached answers nothing we asked."""
        before, after = self._reply.dialogue.question, self.dialogue.question
        if self._playing is None or after == before:
            return before
        return after if self._reply.is_last(self._playing) else OPEN_QUESTION

    async def run(self, ear: Ear) -> Answer:
        """Deliver it. Raises HungUp, after the actions."""
        answer = self._answer
        acting = asyncio.create_task(self._act())
        try:
            async with aclosing(self._utterances()) as utterances:
                answer.said = await self._line.say(utterances, ear)
            if answer.said.interrupted:
                self._reply.stop()
            await acting
        except HungUp:
            with suppress(TimeoutError):
                async with asyncio.timeout(FINISH_AFTER_HANG_UP_S):
                    await acting
            raise
        finally:
            acting.cancel()
            await asyncio.gather(acting, self._reply.aclose(), return_exceptions=True)
        answer.dialogue = self.dialogue
        if answer.said.interrupted:
            self._interrupted(answer)
        return answer

    def _interrupted(self, answer: Answer) -> None:
        # Whoever keeps talking cannot keep the line for ever.
        if self._reply.heard.kind is not HeardKind.TIME_UP:
            answer.ending = None
        heard = answer.said.heard
        self._events.publish(
            EventType.CALLER_INTERRUPTED,
            turn=self._turn,
            sentence=max(0, len(heard) - 1),
            heard=heard[-1] if heard else "",
        )

    async def _act(self) -> None:
        """Take the reply's steps: sentences to the line, actions one after the other."""
        try:
            async with aclosing(self._reply.steps()) as steps:
                async for step in steps:
                    await self._take(step)
        finally:
            self._ready.put_nowait(None)

    async def _take(self, step: ReplyStep) -> None:
        answer = self._answer
        match step:
            case Utterance():
                source = step.sentence.source
                if source and source not in answer.sources:
                    answer.sources.append(source)
                self._ready.put_nowait(step)
            case Understood():
                answer.intent = step.intent
                self._events.publish(
                    EventType.UNDERSTOOD,
                    turn=self._turn,
                    intent=step.intent,
                    confidence=step.confidence,
                )
            case IdentifyCustomer():
                self._events.publish(
                    EventType.CUSTOMER_IDENTIFIED, customer_number=step.customer_number
                )
            case OpenTicket():
                await self._open_ticket(step.draft)
            case Transfer() | HangUp():
                answer.ending = step

    async def _open_ticket(self, draft: TicketDraft) -> None:
        try:
            await self._desk.open_ticket(draft, self._events.call_id)
        except FrontdeskError as error:
            self._events.publish(EventType.ERROR, code=error.code, message=str(error))
            return
        self._events.publish(
            EventType.TICKET_OPENED, number=draft.number, type=draft.type, priority=draft.priority
        )

    async def _utterances(self) -> AsyncGenerator[Utterance, None]:
        first = asyncio.create_task(self._first())
        try:
            if self._filler is not None and await _is_late(first, self._filler.at_s):
                self._answer.used_filler = True
                yield self._begins(self._filler.utter())
            utterance = await first
        finally:
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
        while utterance is not None:
            yield self._begins(utterance)
            utterance = await self._ready.get()

    async def _first(self) -> Utterance | None:
        """The first sentence; with a filler to fall back on, once it can be heard."""
        utterance = await self._ready.get()
        if self._filler is not None and utterance is not None and utterance.clip is not None:
            await _first_chunk(utterance.clip)
        return utterance

    def _begins(self, utterance: Utterance) -> Utterance:
        self._playing = utterance
        sentence = utterance.sentence
        self._events.publish(
            EventType.BOT_SAYS, turn=self._turn, text=sentence.text, source=sentence.source
        )
        return utterance


async def _is_late(first: "asyncio.Task[Utterance | None]", at_s: float) -> bool:
    done, _ = await asyncio.wait({first}, timeout=max(0.0, at_s - time.monotonic()))
    return not done


async def _first_chunk(clip: Clip) -> None:
    chunks = clip.chunks()
    try:
        await anext(chunks, None)
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()
