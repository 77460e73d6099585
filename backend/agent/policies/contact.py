"""On which number, and when, can we call back? Asked only when nobody can know it."""

from dataclasses import dataclass, replace
from typing import ClassVar

from backend.agent.memory import CALLBACK_TIME, PHONE, Known, Phrase, Task
from backend.agent.slots.numbers import NumberSlot, replaced_part
from backend.agent.slots.phone import PHONE as PHONE_LENGTH
from backend.agent.slots.phone import PhoneReader
from backend.agent.slots.slot import SlotValue
from backend.agent.slots.spoken import spoken
from backend.agent.slots.when import AFTERNOON, MORNING, When
from backend.agent.slots.when_slot import WhenReader
from backend.agent.slots.yes_no import Answer
from backend.agent.turn import YES_NO_QUESTION, Turn
from backend.core.speech import Expect, HeardKind, Question

_QUESTION = Question(Expect.NUMBER, PHONE_LENGTH.minimum, PHONE_LENGTH.maximum)
_MOST_ROUNDS = 2
"""Read back this often, then taken as it is: a wrong digit is better than a lost caller."""
_TIME_CHOICES = (
    ("the morning", When(start=MORNING[0], end=MORNING[1])),
    ("the afternoon", When(start=AFTERNOON[0], end=AFTERNOON[1])),
    ("any time", When()),
)
_MOST_OTHER_WORDS = 3
"""More words beside a time may be a request of their own: "are you open on Saturday"."""


async def with_phone(turn: Turn, task: Task, *, ask_time: bool = False) -> None:
    """Push `task` and resume it once we know how to reach the caller, or that we do not.

    Who has to be asked for the number is asked for a good time as well; `ask_time`: everybody.
    """
    turn.push(task)
    note_time(turn)
    if not reachable(turn):
        turn.push(AskPhone())
        turn.ask("ask_phone", _QUESTION)
    elif ask_time and CALLBACK_TIME not in turn.memory.known:
        turn.push(AskTime())
        turn.ask("ask_callback_time")
    else:
        await task.resume(turn)


def reachable(turn: Turn) -> bool:
    """Whether a number is known: the caller's own, one they gave, or the customer's."""
    memory = turn.memory
    caller_digits = "".join(filter(str.isdigit, memory.call.caller))
    return bool(memory.customer_number or PHONE in memory.known or PHONE_LENGTH.fits(caller_digits))


def say_when(turn: Turn) -> None:
    """Tell that, and if it is agreed when, somebody calls back."""
    at = turn.memory.known.get(CALLBACK_TIME)
    if at and at.spoken:
        turn.say("callback_at", time=at.spoken)
    else:
        turn.say("callback_ticket")


def note_time(turn: Turn) -> None:
    """Keep a time given along with the request: "can somebody call me tomorrow at three"."""
    if turn.heard.kind is not HeardKind.WORDS or turn.guess.intent != "human":
        return
    found = WhenReader(turn.services.now()).read(turn.heard.text)
    if found and found.value.start and not _is_over(turn, found.value):
        _remember_time(turn, found.value)


@dataclass(frozen=True, slots=True)
class AskPhone(Task):
    """Waits for a phone number; the task below goes on without one after two tries."""

    asked_twice: bool = False

    intent: ClassVar[str] = "phone_number"

    def fits(self, turn: Turn) -> bool:
        """Digits, or that the caller gives none."""
        slot = turn.number(PHONE_LENGTH)
        if slot is not None and (slot.complete or not turn.asks_for_something_else()):
            return True
        return self._refused(turn)

    async def answer(self, turn: Turn) -> None:
        """Read the number back, or try once more."""
        slot = turn.number(PHONE_LENGTH)
        known = _phone(turn, slot) if slot and slot.complete else None
        if slot and slot.complete and known is None and self.asked_twice:
            # The numbering plan knows no such number; the person who calls may know better.
            known = Known(slot.digits, " ".join(slot.digits))
        if known and known.confirmed:
            turn.remember(PHONE, known)
            await _phone_done(turn)
        elif known:
            _confirm(turn, ConfirmPhone(known))
        elif self._refused(turn):
            await _resume(turn)
        else:
            await self._once_more(turn, "phone_incomplete")

    async def misfit(self, turn: Turn) -> bool:
        """Something else than digits."""
        await self._once_more(turn, "unclear")
        return True

    def again(self, turn: Turn) -> None:
        """The whole question."""
        turn.ask("ask_phone", _QUESTION)

    def _refused(self, turn: Turn) -> bool:
        if turn.heard.kind is not HeardKind.WORDS:
            return False
        answer = turn.yes_no()
        no = answer is not None and answer.answer is Answer.NO and not answer.rest
        return no or turn.guess.intent in ("no_number", "never_mind")

    async def _once_more(self, turn: Turn, complaint: str) -> None:
        if self.asked_twice:
            await _resume(turn)
            return
        turn.swap(replace(self, asked_twice=True))
        turn.say(complaint)
        turn.ask("ask_phone", _QUESTION)


@dataclass(frozen=True, slots=True)
class ConfirmPhone(Task):
    """ "I have 212 555 0123. Is that right?" Digits said instead correct it."""

    phone: Known
    rounds: int = 1

    intent: ClassVar[str] = "phone_number"

    def fits(self, turn: Turn) -> bool:
        """Yes, no, or digits."""
        if turn.asks_for_something_else():
            return False
        return turn.yes_no() is not None or turn.number(PHONE_LENGTH) is not None

    async def answer(self, turn: Turn) -> None:
        """Keep it, correct it, or have it said again."""
        answer = turn.yes_no()
        slot = None if _is_key(turn) else turn.number(PHONE_LENGTH)
        if slot:
            await self._corrected(turn, slot)
        elif answer and answer.answer is Answer.YES:
            turn.remember(PHONE, replace(self.phone, confirmed=True))
            await _phone_done(turn)
        else:
            turn.swap(AskPhone(asked_twice=True))
            turn.ask("ask_phone", _QUESTION)

    async def misfit(self, turn: Turn) -> bool:
        """Neither yes nor no: once more, then it is kept as it was heard."""
        if self.rounds < _MOST_ROUNDS:
            turn.say("unclear")
            _confirm(turn, replace(self, rounds=self.rounds + 1))
        else:
            await self._keep(turn, self.phone)
        return True

    def again(self, turn: Turn) -> None:
        """Read it back again."""
        turn.ask("confirm_phone", YES_NO_QUESTION, number=self.phone.spoken)

    def settle(self, turn: Turn) -> None:
        """Better a number that nobody confirmed than none."""
        turn.remember(PHONE, self.phone)

    async def _corrected(self, turn: Turn, slot: NumberSlot) -> None:
        digits = slot.digits
        if not slot.complete:
            digits = replaced_part(_digits(self.phone.value), digits)
        known = _phone(turn, NumberSlot(digits, complete=True))
        if known is None:
            turn.swap(AskPhone(asked_twice=True))
            turn.say("phone_incomplete")
            turn.ask("ask_phone", _QUESTION)
        elif known.value == self.phone.value:
            turn.remember(PHONE, replace(self.phone, confirmed=True))
            await _phone_done(turn)
        elif known.confirmed or self.rounds >= _MOST_ROUNDS:
            await self._keep(turn, replace(known, corrected=True))
        else:
            _confirm(turn, ConfirmPhone(replace(known, corrected=True), self.rounds + 1))

    async def _keep(self, turn: Turn, phone: Known) -> None:
        turn.remember(PHONE, phone)
        await _phone_done(turn)


@dataclass(frozen=True, slots=True)
class AskTime(Task):
    """ "When is a good time to call you?" Whoever does not mind is called at any time."""

    asked_twice: bool = False

    intent: ClassVar[str] = "callback_time"

    def fits(self, turn: Turn) -> bool:
        """A time, a key, or that it does not matter."""
        if turn.heard.kind is HeardKind.DIGITS:
            return turn.keyed_choice(_TIME_CHOICES) is not None
        found = _time(turn)
        if found and (_is_all(turn, found) or not turn.asks_for_something_else("human")):
            return True
        return self._does_not_mind(turn)

    async def answer(self, turn: Turn) -> None:
        """Keep it; a time that is over is asked about once."""
        choice = turn.keyed_choice(_TIME_CHOICES)
        found = _time(turn)
        when = choice[1] if choice else found.value if found else None
        if when and _is_over(turn, when) and not self.asked_twice:
            turn.say("callback_time_over")
            self._once_more(turn)
            return
        if when and not _is_over(turn, when):
            _remember_time(turn, when)
        await _resume(turn)

    async def misfit(self, turn: Turn) -> bool:
        """Something that is no time: once more, then it is left open."""
        if self.asked_twice:
            await _resume(turn)
        else:
            turn.say("unclear")
            self._once_more(turn)
        return True

    def again(self, turn: Turn) -> None:
        """The whole question."""
        turn.ask("ask_callback_time")

    def retry(self, turn: Turn) -> None:
        """Parts of the day can be keyed."""
        turn.ask("ask_callback_time")
        turn.offer_keys(choice for choice, _ in _TIME_CHOICES)

    def read_back(self, turn: Turn) -> Phrase | None:
        """ "Sorry, did you say something about Tuesday at 3 PM?" """
        found = _time(turn)
        return Phrase("confirm_topic", {"about": found.read_back}) if found else None

    def _once_more(self, turn: Turn) -> None:
        turn.swap(replace(self, asked_twice=True))
        self.retry(turn)

    def _does_not_mind(self, turn: Turn) -> bool:
        answer = turn.yes_no()
        no = answer is not None and answer.answer is Answer.NO and not answer.rest
        return no or turn.guess.intent == "never_mind"


def _confirm(turn: Turn, task: ConfirmPhone) -> None:
    turn.swap(task)
    task.again(turn)


def _phone(turn: Turn, slot: NumberSlot) -> Known | None:
    """The number as its numbering plan writes it; None where there is no such number."""
    reader = PhoneReader(turn.services.phone_region)
    keyed = turn.heard.kind is HeardKind.DIGITS
    spoken_text = turn.heard.text if slot == turn.number(PHONE_LENGTH) else slot.digits
    found = reader.keyed(slot.digits) if keyed else reader.read(spoken_text)
    if found is None:
        return None
    return Known(str(found.value), found.read_back, confirmed=keyed)


def _digits(phone: str) -> str:
    return "".join(filter(str.isdigit, phone.partition(" ")[0]))


def _is_key(turn: Turn) -> bool:
    """One key answers yes or no; more are a number."""
    return turn.heard.kind is HeardKind.DIGITS and turn.yes_no() is not None


def _time(turn: Turn) -> SlotValue[When] | None:
    if turn.heard.kind is not HeardKind.WORDS:
        return None
    return WhenReader(turn.services.now()).read(turn.heard.text)


def _is_all(turn: Turn, found: SlotValue[When]) -> bool:
    """Whether hardly anything else was said."""
    start, end = found.span
    text = turn.heard.text
    return len(spoken(text[:start] + " " + text[end:]).words) <= _MOST_OTHER_WORDS


def _is_over(turn: Turn, when: When) -> bool:
    """Whether it has passed. Of a day with a beginning only ("after five") some always remains."""
    now = turn.services.now()
    last = when.last_day or when.day
    if last is None or last != now.date():
        return last is not None and last < now.date()
    return when.end is not None and when.end < now.time().replace(second=0, microsecond=0)


def _remember_time(turn: Turn, when: When) -> None:
    zone = turn.services.now().tzname() or ""
    value = "any time" if when == When() else f"{when.spoken} ({when} {zone})"
    earlier = turn.memory.known.get(CALLBACK_TIME)
    corrected = earlier is not None and earlier.value != value
    turn.remember(CALLBACK_TIME, Known(value, when.adverbial, corrected=corrected))


async def _phone_done(turn: Turn) -> None:
    """The number is known; now the time, unless that was said already."""
    if CALLBACK_TIME in turn.memory.known:
        await _resume(turn)
    else:
        turn.swap(AskTime())
        turn.ask("ask_callback_time")


async def _resume(turn: Turn) -> None:
    """Go back to the task that waits."""
    turn.pop()
    if turn.task:
        await turn.task.resume(turn)
