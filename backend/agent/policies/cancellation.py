"""A cancellation: asked back first, then a ticket of high priority. Nothing is cancelled here."""

from dataclasses import dataclass
from typing import ClassVar

from backend.agent.memory import Task
from backend.agent.policies.closing import anything_else
from backend.agent.policies.verification import with_customer
from backend.agent.slots.yes_no import Answer
from backend.agent.turn import YES_NO_QUESTION, Turn
from backend.core.records import TicketPriority, TicketType
from backend.core.speech import HeardKind


async def begin(turn: Turn) -> None:
    """The caller wants to cancel."""
    turn.push(ConfirmCancellation(turn.heard.text))
    turn.ask("cancel_confirm", YES_NO_QUESTION)


@dataclass(frozen=True, slots=True)
class ConfirmCancellation(Task):
    """ "Do you want to cancel your service?" """

    said: str

    intent: ClassVar[str] = "cancellation"

    def fits(self, turn: Turn) -> bool:
        """Yes, no, or the same request again."""
        if turn.asks_for_something_else(self.intent):
            return False
        return turn.yes_no() is not None or self._insists(turn)

    async def answer(self, turn: Turn) -> None:
        """Yes: open the ticket, with the customer's number if they have it."""
        answer = turn.yes_no()
        turn.pop()
        if self._insists(turn) or (answer and answer.answer is Answer.YES):
            await with_customer(turn, Cancellation(self.said), optional=True)
        else:
            turn.say("cancel_kept")
            anything_else(turn)

    def _insists(self, turn: Turn) -> bool:
        answer = turn.yes_no()
        if turn.heard.kind is not HeardKind.WORDS or (answer and answer.answer is Answer.NO):
            return False
        return turn.guess.intent == self.intent


@dataclass(frozen=True, slots=True)
class Cancellation(Task):
    """Opens the ticket."""

    said: str

    async def resume(self, turn: Turn) -> None:
        """Have a person confirm it."""
        number = turn.open_ticket(
            TicketType.CANCELLATION, "Wants to cancel", self.said, TicketPriority.HIGH
        )
        turn.say("cancel_ticket")
        turn.say("ticket_number", ticket=number)
        anything_else(turn)
