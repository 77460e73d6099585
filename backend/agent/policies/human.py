"""Putting the caller through to a person, or having a person call back."""

from dataclasses import dataclass, replace
from typing import ClassVar

from backend.agent.memory import Task
from backend.agent.policies.closing import anything_else
from backend.agent.policies.contact import reachable, say_when, with_phone
from backend.agent.slots.yes_no import Answer
from backend.agent.turn import YES_NO_QUESTION, Turn
from backend.core.records import TicketPriority, TicketType


async def begin(turn: Turn) -> None:
    """The caller wants a person."""
    if turn.services.human_extension:
        turn.drop_tasks()
        turn.say("human_transfer")
        turn.transfer()
    else:
        turn.say("human_unavailable")
        await call_back(turn, "Caller wants to talk to a person")


async def transfer_failed(turn: Turn) -> None:
    """Nobody took the transferred call."""
    turn.say("transfer_failed")
    if turn.memory.callback_ticket:
        turn.say("callback_ticket")
        turn.say("ticket_number", ticket=turn.memory.callback_ticket)
        anything_else(turn)
    else:
        await call_back(turn, "Transfer to a person failed")


async def call_back(turn: Turn, subject: str) -> None:
    """Open a ticket so that somebody calls back."""
    turn.drop_tasks()
    await with_phone(turn, CallBack(subject, turn.heard.text))


async def call_back_later(
    turn: Turn,
    kind: TicketType,
    subject: str,
    *,
    priority: TicketPriority = TicketPriority.NORMAL,
    transfer: bool = False,
) -> None:
    """Open the ticket now, tell its number, and put the caller through where that is possible."""
    turn.drop_tasks()
    number = turn.memory.callback_ticket
    if not number:
        number = turn.open_ticket(kind, subject, turn.heard.text, priority)
        turn.memory = replace(turn.memory, callback_ticket=number)
    turn.say("ticket_number", ticket=number)
    if transfer and turn.services.human_extension:
        turn.say("human_transfer")
        turn.transfer()
    else:
        turn.say("callback_ticket")
        anything_else(turn)


@dataclass(frozen=True, slots=True)
class CallBack(Task):
    """Waits for a phone number to call back on."""

    subject: str
    said: str

    async def resume(self, turn: Turn) -> None:
        """Open the ticket."""
        self._open(turn)
        anything_else(turn)

    def settle(self, turn: Turn) -> None:
        """Whoever can be reached is called back, at whatever time."""
        if reachable(turn):
            self._open(turn)

    def _open(self, turn: Turn) -> None:
        number = turn.open_ticket(TicketType.CALLBACK, self.subject, self.said)
        turn.memory = replace(turn.memory, callback_ticket=number)
        say_when(turn)
        turn.say("ticket_number", ticket=number)


@dataclass(frozen=True, slots=True)
class OfferPerson(Task):
    """ "Would you like to talk to a person?" """

    said: str

    intent: ClassVar[str] = "human"
    in_progress: ClassVar[bool] = False

    def fits(self, turn: Turn) -> bool:
        """Yes or no, unless a request follows."""
        return turn.yes_no() is not None and not turn.asks_for_something_else("human")

    async def answer(self, turn: Turn) -> None:
        """Yes: a person; no: what can be done here."""
        answer = turn.yes_no()
        turn.pop()
        if answer and answer.answer is Answer.YES:
            await self._person(turn)
        else:
            turn.say("unknown_hint")
            turn.ask("what_else")

    async def _person(self, turn: Turn) -> None:
        if turn.services.human_extension:
            await begin(turn)
        else:
            turn.drop_tasks()
            task = CallBack("Question the bot could not answer", self.said)
            await with_phone(turn, task, ask_time=True)


def offer_person(turn: Turn) -> None:
    """Ask whether the caller would like a person, or to be called back where none is there."""
    turn.drop_tasks()
    turn.push(OfferPerson(turn.heard.text))
    available = bool(turn.services.human_extension)
    turn.ask("offer_person" if available else "offer_callback", YES_NO_QUESTION)
