"""What callers of `frontdesk bench` say, and what the records must show for the answer to be right.

The wordings are those of people, not the knowledge base's examples word for word.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from backend.agent.knowledge.load import load_knowledge
from backend.config import Settings
from backend.core.errors import StoreError
from backend.core.records import CallOutcome, TicketType
from backend.db.database import Database
from backend.db.models import Who
from backend.db.queries.calls import CallDetail
from backend.db.queries.customers import find_customer

CUSTOMER = "1004"
GOODBYE = "goodbye"


class Fact(StrEnum):
    """What the bot must tell; the words come from the database and the knowledge base."""

    BALANCE = "balance"
    HOURS = "hours"
    PRICES = "prices"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One conversation; the caller ends it with `GOODBYE`."""

    says: tuple[str, ...]
    tells: Fact | None = None
    ticket: TicketType | None = None
    may_transfer: bool = False
    """Being put through is as right as the ticket."""

    @property
    def topic(self) -> str:
        """The intent it is about, as the knowledge base names it."""
        return _TOPICS[self.tells or self.ticket]


_TOPICS: Mapping[Fact | TicketType | None, str] = {
    Fact.BALANCE: "billing",
    Fact.HOURS: "faq",
    Fact.PRICES: "new_service",
    TicketType.CALLBACK: "human",
    TicketType.TECHNICAL: "technical_support",
    TicketType.CANCELLATION: "cancellation",
}
Facts = Mapping[Fact, tuple[str, ...]]
"""Words that must all be in what the bot says."""

SCENARIOS = (
    Scenario(("what is my account balance", "one zero zero four"), tells=Fact.BALANCE),
    Scenario(("what are your opening hours",), tells=Fact.HOURS),
    Scenario(("my internet is down", "one zero zero four"), ticket=TicketType.TECHNICAL),
    Scenario(("how much do i owe you", "one double oh four"), tells=Fact.BALANCE),
    Scenario(("how much is your internet",), tells=Fact.PRICES),
    Scenario(
        ("i want to talk to a person",), ticket=TicketType.CALLBACK, may_transfer=True
    ),
    Scenario(
        ("i want to cancel my service", "yes", "one zero zero four"),
        ticket=TicketType.CANCELLATION,
    ),
    Scenario(("can you tell me what i have to pay", "ten oh four"), tells=Fact.BALANCE),
    Scenario(("at what time do you open in the morning",), tells=Fact.HOURS),
    Scenario(
        ("i have had no internet since this morning", "one oh oh four"),
        ticket=TicketType.TECHNICAL,
    ),
    Scenario(("i would like to check my balance please", "one oh oh four"), tells=Fact.BALANCE),
    Scenario(("which plans do you have",), tells=Fact.PRICES),
    Scenario(
        ("give me a human being please",), ticket=TicketType.CALLBACK, may_transfer=True
    ),
    Scenario(
        ("please cancel my contract", "yes please", "one double zero four"),
        ticket=TicketType.CANCELLATION,
    ),
    Scenario(("how high is my bill this month", "one double zero four"), tells=Fact.BALANCE),
    Scenario(("are you open on saturdays",), tells=Fact.HOURS),
    Scenario(("the internet is not working at all", "ten zero four"), ticket=TicketType.TECHNICAL),
    Scenario(("what's the balance on my account", "it is one zero zero four"), tells=Fact.BALANCE),
    Scenario(("tell me about your prices",), tells=Fact.PRICES),
    Scenario(
        ("could i speak to somebody", ), ticket=TicketType.CALLBACK, may_transfer=True
    ),
)  # fmt: skip


async def gather_facts(settings: Settings, database: Database) -> Facts:
    """The right answers. Raises StoreError when the sample customer is missing."""
    customer = await database.read(find_customer, CUSTOMER)
    if customer is None:
        raise StoreError(
            f"The bench asks about customer {CUSTOMER}, who is not in {database.place}.",
            fix="Measure with the sample data: a new FRONTDESK_DATA_DIR, `frontdesk db init`.",
        )
    knowledge = load_knowledge(settings.kb_path)
    return {
        Fact.BALANCE: (f"{abs(customer.balance):.2f}",),
        Fact.HOURS: (knowledge.company.hours,),
        Fact.PRICES: tuple(plan.price for plan in knowledge.plans),
    }


def is_right(scenario: Scenario, call: CallDetail, facts: Facts) -> bool:
    """Whether the bot did what it had to: told it, or opened that ticket, and no other."""
    opened = {ticket.type for ticket in call.tickets}
    if scenario.ticket is None:
        words = facts[scenario.tells] if scenario.tells else ()
        said = bot_text(call).lower()
        return not opened and all(word.lower() in said for word in words)
    transferred = scenario.may_transfer and call.call.outcome is CallOutcome.TRANSFERRED
    return opened == {scenario.ticket} or transferred


def bot_text(call: CallDetail) -> str:
    """All the bot said."""
    return " ".join(turn.text for turn in call.turns if turn.who is Who.BOT)


def recognised(call: CallDetail) -> list[str]:
    """What the bot understood, turn by turn: the words, else the keys, else the kind of turn."""
    return [
        turn.text or turn.digits or f"({turn.kind})"
        for turn in call.turns
        if turn.who is Who.CALLER
    ]
