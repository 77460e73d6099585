"""A caller in words: dialogues run as text against the shipped knowledge base."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from backend.agent.base import (
    Action,
    Agent,
    Dialogue,
    HangUp,
    IdentifyCustomer,
    OpenTicket,
    Step,
    Transfer,
    Understood,
)
from backend.agent.memory import Memory
from backend.config import ROOT
from backend.core.records import CallInfo, CallOutcome, Customer, TicketDraft
from backend.core.speech import Heard, HeardKind, Question, Sentence

KB_PATH = ROOT / "kb" / "company_kb.json"

CUSTOMERS = {
    customer.number: customer
    for customer in (
        Customer(
            1, "1004", "Maria Santos", Decimal("84.50"), "USD", date(2026, 12, 1), "Family",
            "maria@example.org", "+15550001004",
        ),
        Customer(2, "1104", "Jo Park", Decimal(0), plan="Basic"),
        Customer(3, "2001", "Lee Wong", Decimal("-12.25"), plan="Premium", status="on_hold"),
        Customer(4, "3333", "Ann Bell", Decimal("20"), "CHF"),
    )
}  # fmt: skip


@dataclass
class Directory:
    """Customers in memory; counts look-ups, can fail or never answer."""

    customers: Mapping[str, Customer] = field(default_factory=lambda: CUSTOMERS)
    trouble: Exception | None = None
    asked: list[str] = field(default_factory=list)

    async def find(self, customer_number: str) -> Customer | None:
        self.asked.append(customer_number)
        if self.trouble:
            raise self.trouble
        return self.customers.get(customer_number)


@dataclass(frozen=True)
class Answer:
    """Everything the agent did in one turn."""

    steps: tuple[Step, ...]

    @property
    def sentences(self) -> list[str]:
        return [step.text for step in self.steps if isinstance(step, Sentence)]

    @property
    def text(self) -> str:
        return " ".join(self.sentences)

    @property
    def actions(self) -> list[Action]:
        kinds = (IdentifyCustomer, OpenTicket, Transfer, HangUp)
        return [step for step in self.steps if isinstance(step, kinds)]

    @property
    def tickets(self) -> list[TicketDraft]:
        return [step.draft for step in self.steps if isinstance(step, OpenTicket)]

    @property
    def ticket(self) -> TicketDraft:
        (ticket,) = self.tickets
        return ticket

    @property
    def intent(self) -> str:
        return next((step.intent for step in self.steps if isinstance(step, Understood)), "")

    @property
    def outcome(self) -> CallOutcome | None:
        return next((step.outcome for step in self.steps if isinstance(step, HangUp)), None)

    @property
    def transferred_to(self) -> str:
        return next((step.extension for step in self.steps if isinstance(step, Transfer)), "")

    def __contains__(self, words: str) -> bool:
        return words.lower() in self.text.lower()


class Call:
    """One call as text. Each method is one turn of the caller."""

    def __init__(self, agent: Agent, caller: str = "+15557770123") -> None:
        self.agent = agent
        self.dialogue: Dialogue = agent.begin(CallInfo("call-1", "text", caller))
        self.heard: list[str] = []
        self.greeting = self.hears(Heard(HeardKind.CALL_STARTED))

    @property
    def question(self) -> Question:
        return self.dialogue.question

    def says(self, text: str, confidence: float = 1.0) -> Answer:
        return self.hears(Heard(HeardKind.WORDS, text, confidence=confidence))

    def keys(self, digits: str) -> Answer:
        return self.hears(Heard(HeardKind.DIGITS, digits=digits))

    def is_silent(self, *, give_up: bool = False) -> Answer:
        return self.hears(Heard(HeardKind.SILENCE, give_up=give_up))

    def mumbles(self, *, give_up: bool = False) -> Answer:
        return self.hears(Heard(HeardKind.UNINTELLIGIBLE, give_up=give_up))

    def hears(self, heard: Heard) -> Answer:
        *steps, dialogue = asyncio.run(collect(self.agent, heard, self.dialogue))
        assert isinstance(dialogue, Memory), "the last step is the new dialogue"
        self.dialogue = dialogue
        answer = Answer(tuple(steps))
        self.heard += answer.sentences
        return answer


async def collect(agent: Agent, heard: Heard, dialogue: Dialogue) -> list[Step]:
    return [step async for step in agent.reply(heard, dialogue)]
