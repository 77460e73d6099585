"""Tells the plans and takes an order as a lead for the sales team."""

from dataclasses import dataclass
from typing import ClassVar

from backend.agent.knowledge.model import Plan
from backend.agent.memory import Task
from backend.agent.policies.closing import anything_else
from backend.agent.policies.contact import reachable, with_phone
from backend.agent.slots.yes_no import Answer
from backend.agent.turn import Turn
from backend.agent.words import words
from backend.core.records import TicketType
from backend.core.speech import HeardKind

_ASKS = frozenset(["how", "what", "which", "is", "are", "does", "do", "tell", "why", "when", "and"])
"""Words a question about a plan begins with."""


async def begin(turn: Turn) -> None:
    """The caller is interested in a plan. One named at once is taken, unless it is a question."""
    # A key that led here was a choice of the menu: 3 stands for "our plans", not for the third.
    named = _named(turn) if turn.heard.kind is HeardKind.WORDS else None
    if named:
        _offer(turn, named)
    if named and not _is_question(turn):
        await _take(turn, named)
        return
    if not named:
        turn.say("plans_intro")
        for plan in turn.knowledge.plans:
            _offer(turn, plan)
    turn.push(ChoosePlan())
    turn.ask("ask_plan")


@dataclass(frozen=True, slots=True)
class ChoosePlan(Task):
    """Waits for the name of a plan."""

    intent: ClassVar[str] = "new_service"

    def fits(self, turn: Turn) -> bool:
        """A plan, by name or key, or that none is wanted."""
        if _named(turn):
            return True
        if turn.heard.kind is not HeardKind.WORDS:
            return False
        answer = turn.yes_no()
        return answer is not None and not turn.asks_for_something_else(self.intent)

    async def answer(self, turn: Turn) -> None:
        """Take the order, or say more about the plan asked about."""
        plan = _named(turn)
        answer = turn.yes_no() if not plan else None
        if plan and _is_question(turn):
            _offer(turn, plan)
            turn.ask("ask_plan")
        elif plan:
            turn.pop()
            await _take(turn, plan)
        elif answer and answer.answer is Answer.NO:
            turn.say("plan_none")
            anything_else(turn)
        else:
            turn.ask("plan_not_clear")

    async def misfit(self, turn: Turn) -> bool:
        """Something else than a plan."""
        turn.ask("plan_not_clear")
        return True

    def retry(self, turn: Turn) -> None:
        """Plans can be keyed."""
        turn.ask_again()
        turn.offer_keys(plan.name for plan in turn.knowledge.plans)


@dataclass(frozen=True, slots=True)
class Lead(Task):
    """Opens the sales ticket once we know how to reach the caller."""

    plan: str

    async def resume(self, turn: Turn) -> None:
        """Have sales call back."""
        self._open(turn)
        anything_else(turn)

    def settle(self, turn: Turn) -> None:
        """Whoever can be reached is called back, at whatever time."""
        if reachable(turn):
            self._open(turn)

    def _open(self, turn: Turn) -> None:
        number = turn.open_ticket(TicketType.SALES, f"Wants the plan {self.plan}")
        turn.say("sales_ticket")
        turn.say("ticket_number", ticket=number)


def _offer(turn: Turn, plan: Plan) -> None:
    turn.say("plan_offer", plan=plan.name, speed=plan.speed, price=plan.price)


async def _take(turn: Turn, plan: Plan) -> None:
    turn.say("plan_chosen", plan=plan.name)
    await with_phone(turn, Lead(plan.name))


def _is_question(turn: Turn) -> bool:
    """ "How much is Family?" orders nothing."""
    spoken = words(turn.request)
    return turn.heard.kind is HeardKind.WORDS and bool(spoken) and spoken[0] in _ASKS


def _named(turn: Turn) -> Plan | None:
    plans = turn.knowledge.plans
    if turn.heard.kind is HeardKind.DIGITS:
        return turn.keyed_choice(plans)
    spoken = f" {' '.join(words(turn.heard.text))} "
    named = [plan for plan in plans if _names(plan, spoken)]
    # "Not Basic, Family" and "Basic or Family?" name two: ask.
    return named[0] if len(named) == 1 else None


def _names(plan: Plan, spoken: str) -> bool:
    return any(f" {' '.join(words(name))} " in spoken for name in (plan.name, *plan.aliases))
