"""Technical trouble: steps to try, one at a time, then a ticket. An outage gets it at once."""

from dataclasses import dataclass, replace
from typing import ClassVar

from backend.agent.knowledge.model import Trouble
from backend.agent.memory import Task
from backend.agent.policies.closing import anything_else
from backend.agent.policies.verification import with_customer
from backend.agent.slots.yes_no import Answer
from backend.agent.turn import YES_NO_QUESTION, Turn
from backend.agent.words import words
from backend.core.records import TicketPriority, TicketType
from backend.core.speech import HeardKind

INTENT = "technical_support"
DESCRIBED_WORDS = 2
"""Fewer words do not describe a trouble."""


async def begin(turn: Turn) -> None:
    """The caller has trouble with their internet."""
    trouble = turn.knowledge.troubles.get(turn.guess.topic)
    if trouble is None:
        turn.say("support_sorry")
        turn.push(AskTrouble())
        turn.ask("support_ask")
    else:
        await _treat(turn, trouble)


async def _treat(turn: Turn, trouble: Trouble) -> None:
    turn.say("support_sorry")
    if trouble.ticket_at_once or not trouble.steps:
        await with_customer(turn, SupportTicket(turn.heard.text, trouble.id), optional=True)
    else:
        turn.push(TryStep(turn.heard.text, trouble.id, 0))
        _say_step(turn, trouble, 0)


def _say_step(turn: Turn, trouble: Trouble, step: int) -> None:
    turn.tell(trouble.steps[step], f"kb:support/{trouble.id}")
    turn.ask("support_helped", YES_NO_QUESTION)


@dataclass(frozen=True, slots=True)
class AskTrouble(Task):
    """Waits for a description of the trouble."""

    intent: ClassVar[str] = INTENT

    def fits(self, turn: Turn) -> bool:
        """A known trouble, or words we pass on to a technician."""
        if self._keyed(turn):
            return True
        if turn.heard.kind is not HeardKind.WORDS or turn.asks_for_something_else(INTENT):
            return False
        described = len(words(turn.heard.text)) >= DESCRIBED_WORDS
        return turn.guess.intent == INTENT or (turn.guess.intent == "unknown" and described)

    async def answer(self, turn: Turn) -> None:
        """Treat it, or open a ticket with what was said."""
        turn.pop()
        trouble = self._keyed(turn) or turn.knowledge.troubles.get(turn.guess.topic)
        if trouble:
            await _treat(turn, trouble)
        else:
            await with_customer(turn, SupportTicket(turn.heard.text), optional=True)

    def retry(self, turn: Turn) -> None:
        """Troubles can be keyed."""
        turn.ask_again()
        turn.offer_keys(trouble.about for trouble in turn.knowledge.troubles.values())

    def _keyed(self, turn: Turn) -> Trouble | None:
        return turn.keyed_choice(tuple(turn.knowledge.troubles.values()))


@dataclass(frozen=True, slots=True)
class TryStep(Task):
    """A step was said: "did that help?" """

    said: str
    trouble: str
    step: int

    intent: ClassVar[str] = INTENT

    def fits(self, turn: Turn) -> bool:
        """Yes, no, or the same trouble described again, which is a no."""
        if turn.asks_for_something_else(INTENT):
            return False
        return turn.yes_no() is not None or self._same_trouble(turn)

    async def answer(self, turn: Turn) -> None:
        """The next step, while there is one."""
        answer = turn.yes_no()
        if answer and answer.answer is Answer.YES:
            turn.say("support_solved")
            anything_else(turn)
            return
        trouble = turn.knowledge.troubles[self.trouble]
        following = self.step + 1
        if following < len(trouble.steps):
            turn.swap(replace(self, step=following))
            turn.say("support_next")
            _say_step(turn, trouble, following)
        else:
            turn.pop()
            await with_customer(turn, SupportTicket(self.said, self.trouble), optional=True)

    def _same_trouble(self, turn: Turn) -> bool:
        return turn.heard.kind is HeardKind.WORDS and turn.guess.label == f"{INTENT}/{self.trouble}"


@dataclass(frozen=True, slots=True)
class SupportTicket(Task):
    """Opens the ticket; for an outage, after the step that may help meanwhile."""

    said: str
    trouble: str = ""

    async def resume(self, turn: Turn) -> None:
        """Have a technician look into it."""
        trouble = turn.knowledge.troubles.get(self.trouble)
        subject = trouble.subject if trouble else "Technical trouble"
        urgent = trouble is not None and trouble.ticket_at_once
        if trouble and urgent:
            for step in trouble.steps:
                turn.tell(step, f"kb:support/{trouble.id}")
        number = turn.open_ticket(
            TicketType.TECHNICAL,
            subject,
            self.said,
            TicketPriority.HIGH if urgent else TicketPriority.NORMAL,
        )
        turn.say("support_ticket")
        turn.say("ticket_number", ticket=number)
        anything_else(turn)
