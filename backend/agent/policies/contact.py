"""On which number can we call back? Only asked when nobody can know it."""

from dataclasses import dataclass, replace
from typing import ClassVar

from backend.agent.memory import Phrase, Task
from backend.agent.slots.numbers import Length
from backend.agent.slots.yes_no import Answer
from backend.agent.turn import Turn
from backend.core.speech import Expect, HeardKind, Question

PHONE = Length(7, 15)
"""A number without and with country code (E.164 allows 15 digits)."""
_QUESTION = Question(Expect.NUMBER, PHONE.minimum, PHONE.maximum)


async def with_phone(turn: Turn, task: Task) -> None:
    """Push `task` and resume it once we know how to reach the caller, or that we do not."""
    turn.push(task)
    memory = turn.memory
    caller_digits = "".join(filter(str.isdigit, memory.call.caller))
    if memory.customer_number or memory.phone or PHONE.fits(caller_digits):
        await task.resume(turn)
    else:
        turn.push(AskPhone())
        turn.ask("ask_phone", _QUESTION)


@dataclass(frozen=True, slots=True)
class AskPhone(Task):
    """Waits for a phone number; the task below goes on without one after two tries."""

    asked_twice: bool = False

    intent: ClassVar[str] = "phone_number"

    def fits(self, turn: Turn) -> bool:
        """Digits, or that the caller gives none."""
        slot = turn.number(PHONE)
        if slot is not None and (slot.complete or not turn.asks_for_something_else()):
            return True
        return self._refused(turn)

    async def answer(self, turn: Turn) -> None:
        """Keep the number, or try once more."""
        slot = turn.number(PHONE)
        if slot and slot.complete:
            turn.memory = replace(turn.memory, phone=slot.digits)
            await self._resume(turn)
        elif self._refused(turn):
            await self._resume(turn)
        else:
            await self._once_more(turn, "phone_incomplete")

    async def misfit(self, turn: Turn) -> bool:
        """Something else than digits."""
        await self._once_more(turn, "unclear")
        return True

    def again(self, turn: Turn) -> None:
        """The whole question."""
        turn.ask("ask_phone", _QUESTION)

    def read_back(self, turn: Turn) -> Phrase | None:
        """ "Did you say the number …?" """
        slot = turn.number(PHONE)
        return Phrase("confirm_number", {"number": slot.digits}) if slot and slot.complete else None

    def _refused(self, turn: Turn) -> bool:
        if turn.heard.kind is not HeardKind.WORDS:
            return False
        answer = turn.yes_no()
        no = answer is not None and answer.answer is Answer.NO and not answer.rest
        return no or turn.guess.intent in ("no_number", "never_mind")

    async def _once_more(self, turn: Turn, complaint: str) -> None:
        if self.asked_twice:
            await self._resume(turn)
            return
        turn.swap(replace(self, asked_twice=True))
        turn.say(complaint)
        turn.ask("ask_phone", _QUESTION)

    async def _resume(self, turn: Turn) -> None:
        turn.pop()
        if turn.task:
            await turn.task.resume(turn)
