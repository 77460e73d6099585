"""A complaint: listened to, then a ticket of high priority."""

from dataclasses import dataclass
from typing import ClassVar

from backend.agent.memory import Task
from backend.agent.policies.closing import anything_else
from backend.agent.policies.verification import with_customer
from backend.agent.turn import Turn
from backend.agent.words import words
from backend.core.records import TicketPriority, TicketType
from backend.core.speech import HeardKind

TOLD_WORDS = 7
"""A complaint of this many words has said what it is about."""
_NOT_A_STORY = frozenset({"repeat", "wait", "never_mind", "human", "goodbye"})
"""What a caller may say instead of telling; everything else belongs to the story."""


async def begin(turn: Turn) -> None:
    """The caller is unhappy."""
    if len(words(turn.heard.text)) >= TOLD_WORDS:
        await with_customer(turn, Complaint(turn.heard.text), optional=True)
    else:
        turn.push(AskWhatHappened())
        turn.ask("complaint_ask")


@dataclass(frozen=True, slots=True)
class AskWhatHappened(Task):
    """Waits for the story, whatever it sounds like."""

    intent: ClassVar[str] = "complaint"

    def fits(self, turn: Turn) -> bool:
        """Any words that are not about the call itself."""
        return turn.heard.kind is HeardKind.WORDS and turn.guess.intent not in _NOT_A_STORY

    async def answer(self, turn: Turn) -> None:
        """Keep what was said for the ticket."""
        turn.pop()
        await with_customer(turn, Complaint(turn.heard.text), optional=True)


@dataclass(frozen=True, slots=True)
class Complaint(Task):
    """Opens the ticket."""

    said: str

    async def resume(self, turn: Turn) -> None:
        """Have a manager see to it."""
        number = turn.open_ticket(TicketType.COMPLAINT, "Complaint", self.said, TicketPriority.HIGH)
        turn.say("complaint_ticket")
        turn.say("ticket_number", ticket=number)
        anything_else(turn)
