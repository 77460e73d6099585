"""Whose call is it? Asks for the customer number before anything about an account is said."""

from dataclasses import dataclass, replace
from typing import ClassVar

from backend.agent.memory import Phrase, Task, Verified
from backend.agent.policies.human import call_back_later
from backend.agent.policies.reprompts import unclear
from backend.agent.slots.numbers import Length, replaced_part
from backend.agent.slots.spoken import CORRECTIONS, phrase_at, phrases
from backend.agent.slots.spoken_digits import digit_runs, tokens
from backend.agent.slots.yes_no import Answer
from backend.agent.turn import REQUESTS, Turn
from backend.core.records import TicketPriority, TicketType
from backend.core.speech import Expect, HeardKind, Question

MOST_FAILURES = 3
"""Wrong numbers in one call; then a person takes over. It also limits guessing numbers."""
MOST_FAILURES_OPTIONAL = 2
"""Where we can go on without: asking a third time helps nobody."""
SURE_OF_WAITING = 0.9
_AROUND_A_CORRECTION = frozenset(
    """no nope not sorry wait actually i mean meant said it's it is that's that was wrong the my
    number should be customer correction oops rather make again and please um uh er""".split()
)
_NOT_ME = phrases(
    "not me; not my account; not my name; wrong account; wrong person; wrong number;"
    " wrong customer; not my number; wrong name; not who i am; somebody else's account"
)
_NAMES_A_NUMBER = frozenset({"number", "account", "customer", "id"})


async def with_customer(turn: Turn, task: Task, *, optional: bool = False) -> None:
    """Push `task` and resume it once the customer is known.

    `optional`: it is also resumed when the caller has no number; else a person takes over.
    """
    turn.push(task)
    if turn.memory.customer_number:
        await task.resume(turn)
    elif turn.memory.number_failures >= MOST_FAILURES:
        await _without(turn, optional=optional)
    else:
        turn.push(AskNumber(optional=optional))
        number = _mentioned(turn)
        if number:
            await _try(turn, number)
        else:
            turn.ask("ask_number", _question(turn))


@dataclass(frozen=True, slots=True)
class AskNumber(Task):
    """Waits for the customer number; the task below needs it."""

    optional: bool
    failures: int = 0
    told_where: bool = False
    tried: str = ""
    """The last number that was nobody's; the caller may correct a part of it."""

    intent: ClassVar[str] = "customer_number"

    def fits(self, turn: Turn) -> bool:
        """Digits, or that there are none. "One" inside a request is no number."""
        if self._has_none(turn):
            return True
        slot = turn.number(_length(turn))
        if slot is None or slot.complete:
            return slot is not None
        return not turn.asks_for_something_else() and not _asks_to_wait(turn)

    async def answer(self, turn: Turn) -> None:
        """Look the number up."""
        slot = turn.number(_length(turn))
        if slot and slot.complete:
            await _try(turn, slot.digits)
        elif slot and self.tried and _begins_correction(turn):
            await _try(turn, replaced_part(self.tried, slot.digits))
        elif self._has_none(turn):
            await self._help(turn)
        elif turn.heard.confidence < turn.services.confirm_below:
            unclear(turn)  # the recogniser's failure, not the caller's
        else:
            await _failed(turn, Phrase("number_incomplete"))

    async def misfit(self, turn: Turn) -> bool:
        """Words that are neither digits nor a request: one of the tries."""
        await _failed(turn, Phrase("unclear"))
        return True

    def retry(self, turn: Turn) -> None:
        """Keys are the way out when speech is not understood."""
        turn.ask("number_again", _question(turn))

    def again(self, turn: Turn) -> None:
        """The whole question: "please say it again" makes no sense after an interruption."""
        turn.ask("ask_number", _question(turn))

    def read_back(self, turn: Turn) -> Phrase | None:
        """ "Did you say the number 1004?" """
        slot = turn.number(_length(turn))
        return Phrase("confirm_number", {"number": slot.digits}) if slot and slot.complete else None

    def _has_none(self, turn: Turn) -> bool:
        if turn.heard.kind is not HeardKind.WORDS:
            return False
        slot = turn.number(_length(turn))
        # A single digit may be none: "I don't have one".
        if slot and (slot.complete or len(slot.digits) > 1):
            return False
        if turn.guess.intent in ("no_number", "never_mind"):
            return turn.guess.intent == "no_number"
        answer = turn.yes_no()
        return answer is not None and answer.answer is Answer.NO and not answer.rest

    async def _help(self, turn: Turn) -> None:
        if self.optional:
            turn.say("number_skipped")
            await _without(turn, optional=True)
        elif self.told_where:
            await _failed(turn, Phrase("number_where"))
        else:
            turn.say("number_where")
            turn.swap(replace(self, told_where=True))
            turn.ask("ask_number", _question(turn))


async def _try(turn: Turn, number: str) -> None:
    """Look `number` up: verified, or one failure more. `AskNumber` is the task that asks."""
    customer = await turn.look_up(number)
    task = turn.task
    assert isinstance(task, AskNumber)  # noqa: S101 - only called for the task that asks
    if customer is None:
        turn.swap(replace(task, tried=number))
        await _failed(turn, Phrase("number_not_found", {"number": number}))
        return
    waiting = turn.memory.tasks[-2] if len(turn.memory.tasks) > 1 else None
    verified = Verified(number, waiting, task.optional, turn.memory.tickets)
    turn.identify(customer)
    turn.memory = replace(turn.memory, verified=verified)
    turn.say("verified", name=customer.name)
    await _resume(turn)


async def take_back(turn: Turn) -> bool:
    """React to "no, one one" or "that's not me" said right after a number was accepted.

    True when that was this turn's answer: what was done for the wrong customer is done again.
    """
    verified = turn.memory.verified
    if verified is None or turn.heard.kind is not HeardKind.WORDS:
        return False
    slot = turn.number(_length(turn)) if _begins_correction(turn) else None
    if slot is None and not _denies(turn):
        return False
    memory = turn.memory
    wrong = [number for key, number in memory.tickets.items() if key not in verified.tickets]
    turn.memory = replace(
        memory,
        verified=None,
        customer_number="",
        tickets=verified.tickets,
        mistaken=(*memory.mistaken, *wrong),
    )
    turn.drop_tasks()
    if verified.task:
        turn.push(verified.task)
    turn.push(AskNumber(optional=verified.optional))
    if slot:
        part = replaced_part(verified.number, slot.digits)
        await _try(turn, slot.digits if slot.complete else part)
    else:
        turn.say("confirm_denied")
        turn.ask("ask_number", _question(turn))
    return True


def _asks_to_wait(turn: Turn) -> bool:
    """ "One moment please": half a number, to a reader of digits. A bare "one" is just that."""
    if turn.heard.kind is not HeardKind.WORDS:
        return False
    return turn.guess.intent == "wait" and turn.guess.confidence >= SURE_OF_WAITING


def _begins_correction(turn: Turn) -> bool:
    """ "No, one one", "sorry, I meant one one zero four": digits, and nothing else of weight."""
    spoken = tokens(turn.heard.text)
    if not phrase_at(spoken, 0, (*CORRECTIONS, ("not",), ("i", "said"), ("that's", "not"))):
        return False
    in_digits = {place for run in digit_runs(spoken) for place in range(run.start, run.end)}
    others = [word for place, word in enumerate(spoken) if place not in in_digits]
    return bool(in_digits) and _AROUND_A_CORRECTION.issuperset(others)


def _denies(turn: Turn) -> bool:
    spoken = tokens(turn.heard.text)
    return any(phrase_at(spoken, place, _NOT_ME) for place in range(len(spoken)))


async def _failed(turn: Turn, complaint: Phrase) -> None:
    """Say what was wrong and ask again, until it was too often."""
    task = turn.task
    assert isinstance(task, AskNumber)  # noqa: S101 - only called for the task that asks
    turn.memory = replace(turn.memory, number_failures=turn.memory.number_failures + 1)
    task = replace(task, failures=task.failures + 1)
    turn.swap(task)
    limit = MOST_FAILURES_OPTIONAL if task.optional else MOST_FAILURES
    if turn.memory.number_failures >= MOST_FAILURES or task.failures >= limit:
        if task.optional:
            turn.say("number_skipped")
        await _without(turn, optional=task.optional)
        return
    turn.say(complaint.key, **complaint.slots)
    turn.ask("number_again", _question(turn))


async def _without(turn: Turn, *, optional: bool) -> None:
    """Go on with the task without a customer, or hand over to a person."""
    if optional:
        await _resume(turn)
    else:
        turn.say("number_failed")
        await call_back_later(
            turn,
            TicketType.CALLBACK,
            "Caller could not be verified",
            priority=TicketPriority.HIGH,
            transfer=True,
        )


async def _resume(turn: Turn) -> None:
    """Go back to the task below the one that asked."""
    if isinstance(turn.task, AskNumber):
        turn.pop()
    if turn.task:
        await turn.task.resume(turn)


def _mentioned(turn: Turn) -> str:
    """A number given along with the request: "what does account 1004 owe"; else empty."""
    if turn.heard.kind is not HeardKind.WORDS or turn.guess.intent not in REQUESTS:
        return ""
    if not _NAMES_A_NUMBER.intersection(tokens(turn.heard.text)):
        return ""
    slot = turn.number(_length(turn))
    return slot.digits if slot and slot.complete else ""


def _length(turn: Turn) -> Length:
    return Length(turn.knowledge.min_digits, turn.knowledge.max_digits)


def _question(turn: Turn) -> Question:
    return Question(Expect.NUMBER, turn.knowledge.min_digits, turn.knowledge.max_digits)
