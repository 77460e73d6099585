"""One answer of the bot: the agent thinks ahead while the line still plays the sentence before."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Protocol

from backend.agent.base import (
    Agent,
    Dialogue,
    HangUp,
    IdentifyCustomer,
    OpenTicket,
    Transfer,
    Understood,
)
from backend.calls.publisher import CallPublisher
from backend.core.errors import FrontdeskError, HungUp
from backend.core.events import EventType
from backend.core.records import TicketDraft
from backend.core.speech import Heard, Sentence
from backend.telephony.line import Ear, Line, Said, Utterance
from backend.tts.base import Voice

FINISH_AFTER_HANG_UP_S = 2.0
"""A caller who reports a fault and hangs up still gets the ticket: the answer's actions are
finished, but an LLM that is still writing is not waited for."""


class TicketDesk(Protocol):
    """Where tickets are stored."""

    async def open_ticket(self, draft: TicketDraft, call_id: str | None) -> None:
        """Store it; returns once it would survive a crash. Raises StoreError."""


@dataclass(slots=True)
class Answer:
    """What came of one answer."""

    dialogue: Dialogue
    said: Said = field(default_factory=lambda: Said(()))
    intent: str = ""
    sources: list[str] = field(default_factory=list)
    first_sentence_at_s: float | None = None
    """`time.monotonic()` when the agent had its first sentence."""
    ending: HangUp | Transfer | None = None
    """What is to be done once everything has been said."""


class Answerer:
    """Speaks the agent's replies on a line and carries their actions out in order."""

    def __init__(
        self, line: Line, agent: Agent, voice: Voice, desk: TicketDesk, events: CallPublisher
    ) -> None:
        self._line = line
        self._agent = agent
        self._voice = voice
        self._desk = desk
        self._events = events

    async def answer(self, heard: Heard, dialogue: Dialogue, turn: int, ear: Ear) -> Answer:
        """Say the reply to `heard`. Raises HungUp after finishing the reply's actions."""
        answer = Answer(dialogue)
        ready: asyncio.Queue[Utterance | None] = asyncio.Queue()
        thinking = asyncio.create_task(self._think(heard, dialogue, turn, answer, ready))
        try:
            async with aclosing(self._utterances(ready, turn)) as utterances:
                answer.said = await self._line.say(utterances, ear)
            await thinking
        except HungUp:
            with suppress(TimeoutError):
                async with asyncio.timeout(FINISH_AFTER_HANG_UP_S):
                    await thinking
            raise
        finally:
            thinking.cancel()
            await asyncio.gather(thinking, return_exceptions=True)
        return answer

    async def _think(
        self,
        heard: Heard,
        dialogue: Dialogue,
        turn: int,
        answer: Answer,
        ready: asyncio.Queue[Utterance | None],
    ) -> None:
        """Run the agent: sentences become audio being made, actions happen, the rest is kept."""
        try:
            async for step in self._agent.reply(heard, dialogue):
                match step:
                    case Sentence():
                        answer.first_sentence_at_s = answer.first_sentence_at_s or time.monotonic()
                        if step.source and step.source not in answer.sources:
                            answer.sources.append(step.source)
                        rate_hz = self._line.voice_rate_hz
                        clip = self._voice.clip(step.text, rate_hz) if rate_hz else None
                        ready.put_nowait(Utterance(step, clip))
                    case Understood():
                        answer.intent = step.intent
                        self._events.publish(
                            EventType.UNDERSTOOD,
                            turn=turn,
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
                    case _:
                        answer.dialogue = step
        finally:
            ready.put_nowait(None)

    async def _open_ticket(self, draft: TicketDraft) -> None:
        try:
            await self._desk.open_ticket(draft, self._events.call_id)
        except FrontdeskError as error:
            self._events.publish(EventType.ERROR, code=error.code, message=str(error))
            return
        self._events.publish(
            EventType.TICKET_OPENED, number=draft.number, type=draft.type, priority=draft.priority
        )

    async def _utterances(
        self, ready: asyncio.Queue[Utterance | None], turn: int
    ) -> AsyncGenerator[Utterance, None]:
        while (utterance := await ready.get()) is not None:
            sentence = utterance.sentence
            self._events.publish(
                EventType.BOT_SAYS, turn=turn, text=sentence.text, source=sentence.source
            )
            yield utterance
