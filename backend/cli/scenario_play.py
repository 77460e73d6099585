"""Plays written calls as text against the agent and tells what was not as it must be."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from time import perf_counter

from backend.agent.agent import FrontdeskAgent, build_agent
from backend.agent.base import Action, HangUp, IdentifyCustomer, OpenTicket, Transfer, Understood
from backend.agent.base import Step as AgentStep
from backend.agent.knowledge.store import KnowledgeStore
from backend.agent.memory import Memory
from backend.cli.scenario_files import Case, Scenario, Step, StoredExpected, TicketExpected
from backend.cli.scenario_stored import ScratchDatabase, TextTurn, wrong_in_database
from backend.config import Settings
from backend.core.records import CallInfo, CallOutcome, Customer, TicketDraft, TicketType
from backend.core.speech import Heard, HeardKind, Sentence
from backend.db.seed_data import PEOPLE

NOW = datetime.fromisoformat("2026-11-18T10:00:00-05:00")
"""The moment of every written call, a Wednesday morning: "tomorrow" is always the same day."""


@dataclass(frozen=True, slots=True)
class Played:
    """One call that was played."""

    case: Case
    seed: int
    mistakes: Sequence[str]
    """What was not as it must be, in the first step where something was not; empty: all well."""
    turns: int
    """Of the caller."""
    contained: bool
    """Nobody has to talk to this caller: no transfer, no call-back."""
    took_ms: Sequence[float]
    """The thinking of each turn; of a real call all that the caller waits for."""
    voice: str = ""
    """The caller's in a real call."""
    repairs: int = 0
    """How often the caller had to answer a question back, or to say something again."""


@dataclass(slots=True)
class _Directory:
    """The customers of a scenario."""

    customers: Mapping[str, Customer]

    async def find(self, customer_number: str) -> Customer | None:
        return self.customers.get(customer_number)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of one step."""

    steps: Sequence[AgentStep]
    memory: Memory

    @property
    def text(self) -> str:
        return " ".join(step.text for step in self.steps if isinstance(step, Sentence))

    @property
    def intent(self) -> str:
        return next((step.intent for step in self.steps if isinstance(step, Understood)), "")

    @property
    def tickets(self) -> list[TicketDraft]:
        return [step.draft for step in self.steps if isinstance(step, OpenTicket)]

    @property
    def transfer(self) -> str | None:
        return next((step.extension for step in self.steps if isinstance(step, Transfer)), None)

    @property
    def outcome(self) -> CallOutcome | None:
        return next((step.outcome for step in self.steps if isinstance(step, HangUp)), None)

    @property
    def actions(self) -> list[Action]:
        kinds = (IdentifyCustomer, OpenTicket, Transfer, HangUp)
        return [step for step in self.steps if isinstance(step, kinds)]


class TextStage:
    """Plays calls with the knowledge base in use; without an LLM, whose words nobody can foresee.

    A file that names no customers is about those a new database starts with.
    """

    def __init__(self, knowledge: KnowledgeStore, settings: Settings) -> None:
        self._knowledge = knowledge
        self._settings = settings
        self._database = ScratchDatabase()

    async def play(self, case: Case, seed: int) -> Played:
        """One call, its wordings picked by `seed`."""
        agent = self._agent(case)
        scenario = case.scenario
        info = CallInfo(f"scenario-{seed}", "text", scenario.caller)
        memory = agent.begin(info)
        greeting = await _hear(agent, Heard(HeardKind.CALL_STARTED), memory)
        call = _Played(info, greeting)
        wordings = pick_wordings(scenario, seed)
        mistakes: list[str] = []
        for number, (step, words) in enumerate(zip(scenario.steps, wordings, strict=True), 1):
            heard = _heard(step, words)
            call.heard.append(heard)
            started_s = perf_counter()
            answer = await _hear(agent, heard, call.answers[-1].memory)
            call.took_ms.append((perf_counter() - started_s) * 1000)
            call.answers.append(answer)
            wrong = [*_wrong(step, answer), *_spoken(scenario.forbidden, answer)]
            mistakes = [f"step {number} ({_named(heard)}): {mistake}" for mistake in wrong]
            if mistakes:
                break
        mistakes = mistakes or [f"the whole call: {each}" for each in call.missing(scenario)]
        if scenario.stored and not mistakes:
            wrong = self._wrong_in_database(case, scenario.stored, call)
            mistakes = [f"in the database: {each}" for each in wrong]
        return Played(case, seed, mistakes, len(call.took_ms), call.contained, call.took_ms)

    async def answers(self, case: Case, seed: int) -> list[str]:
        """What the agent says in each step to a caller whose every word it gets."""
        agent = self._agent(case)
        memory = agent.begin(CallInfo(f"scenario-{seed}", "text", case.scenario.caller))
        memory = (await _hear(agent, Heard(HeardKind.CALL_STARTED), memory)).memory
        said: list[str] = []
        for step, words in zip(
            case.scenario.steps, pick_wordings(case.scenario, seed), strict=True
        ):
            answer = await _hear(agent, _heard(step, words), memory)
            memory = answer.memory
            said.append(answer.text)
        return said

    def close(self) -> None:
        """Remove what was made for the calls."""
        self._database.close()

    def _wrong_in_database(
        self, case: Case, expected: StoredExpected, call: "_Played"
    ) -> list[str]:
        turns = [
            TextTurn(heard, answer.steps)
            for heard, answer in zip(call.heard, call.answers[1:], strict=True)
        ]
        intent = call.answers[-1].memory.main_intent
        known = case.customers or sample_customers()
        stored = self._database.stored(call.info, turns, intent=intent, at=NOW, customers=known)
        with stored as (detail, customers):
            return list(wrong_in_database(expected, detail, customers))

    def _agent(self, case: Case) -> FrontdeskAgent:
        known = case.customers or sample_customers()
        settings = self._settings.model_copy(
            update={
                "human_extension": case.scenario.person,
                "ollama_model": "",
                "openai_model": "",
            }
        )
        directory = _Directory({customer.number: customer for customer in known})
        return build_agent(
            self._knowledge, directory, settings, lambda code, message: None, now=lambda: NOW
        )


@dataclass(slots=True)
class _Played:
    """A call as it goes on."""

    info: CallInfo
    greeting: _Answer
    heard: list[Heard] = field(default_factory=list)
    answers: list[_Answer] = field(init=False)
    took_ms: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.answers = [self.greeting]

    @property
    def contained(self) -> bool:
        return not any(
            answer.transfer or any(each.type is TicketType.CALLBACK for each in answer.tickets)
            for answer in self.answers
        )

    def missing(self, scenario: Scenario) -> Iterator[str]:
        spoken = " ".join(answer.text for answer in self.answers).lower()
        for fact in scenario.facts:
            if not any(words.lower() in spoken for words in fact):
                yield f"{either(fact)} was not said"


def sample_customers() -> tuple[Customer, ...]:
    """Those a new database starts with, on the day of the written calls."""
    return tuple(
        Customer(
            row, person.number, person.name, Decimal(person.balance),
            due_date=None if person.due_in_days is None
            else NOW.date() + timedelta(person.due_in_days),
            plan=person.plan, email=person.email, phone=person.phone, status=person.status,
        )
        for row, person in enumerate(PEOPLE, 1)
    )  # fmt: skip


async def _hear(agent: FrontdeskAgent, heard: Heard, memory: Memory) -> _Answer:
    *steps, after = [step async for step in agent.reply(heard, memory)]
    if not isinstance(after, Memory):
        raise TypeError("the last step of a reply is the new dialogue")
    return _Answer(steps, after)


def pick_wordings(scenario: Scenario, seed: int) -> list[str]:
    """What the caller says in each step with this seed; empty where nothing is said."""
    chance = random.Random(f"{seed} {scenario.name}")
    return [chance.choice(step.say) if step.say else "" for step in scenario.steps]


def _heard(step: Step, words: str) -> Heard:
    if words:
        return Heard(HeardKind.WORDS, words, confidence=step.confidence)
    if step.keys:
        return Heard(HeardKind.DIGITS, digits=step.keys)
    if step.transfer_fails:
        return Heard(HeardKind.TRANSFER_FAILED)
    return Heard(HeardKind.SILENCE if step.silence else HeardKind.UNINTELLIGIBLE)


def _named(heard: Heard) -> str:
    return f"“{heard.text or heard.digits}”" if heard.text or heard.digits else heard.kind.value


def _wrong(step: Step, answer: _Answer) -> Iterator[str]:
    """Everything about one answer that is not as the step says."""
    if step.intent is not None and answer.intent != step.intent:
        yield f"the intent is {answer.intent or 'none'}, not {step.intent}"
    if step.asks and answer.memory.question.expect is not step.asks:
        yield f"it asks for {answer.memory.question.expect.value}, not {step.asks.value}"
    for name, value in step.slots.items():
        found = _slot(answer.memory, name)
        if found != value:
            yield f"{name} is {found or 'not known'}, not {value}"
    spoken = answer.text.lower()
    for fact in step.facts:
        if not any(words.lower() in spoken for words in fact):
            yield f"{either(fact)} was not said, but: {answer.text}"
    yield from _spoken(step.forbidden, answer)
    yield from wrong_tickets(step.ticket, answer.tickets)
    if answer.transfer != step.transfer:
        yield f"the caller is put through to {answer.transfer or 'nobody'}"
    if answer.outcome is not step.ends:
        ended = f"ended ({answer.outcome.value})" if answer.outcome else "goes on"
        yield f"the call {ended}; said was: {answer.text}"


def _spoken(forbidden: Sequence[str], answer: _Answer) -> Iterator[str]:
    for words in forbidden:
        if words.lower() in answer.text.lower():
            yield f"“{words}” was said"


def wrong_tickets(expected: TicketExpected | None, tickets: Sequence[TicketDraft]) -> Iterator[str]:
    """What about the opened tickets is not as expected; None expects that there are none."""
    if expected is None:
        yield from (f"a ticket was opened: {ticket.subject}" for ticket in tickets)
        return
    if len(tickets) != 1:
        yield f"{len(tickets)} tickets were opened, not one"
        return
    (ticket,) = tickets
    if ticket.type is not expected.type:
        yield f"the ticket is of type {ticket.type.value}, not {expected.type.value}"
    if expected.priority and ticket.priority is not expected.priority:
        yield f"the ticket has priority {ticket.priority.value}, not {expected.priority.value}"
    if expected.customer is not None and (ticket.customer_number or "") != expected.customer:
        yield f"the ticket is of customer {ticket.customer_number or 'nobody'}"
    if expected.subject.lower() not in ticket.subject.lower():
        yield f"the ticket's subject is “{ticket.subject}”"
    for words in expected.about:
        if words.lower() not in ticket.description.lower():
            yield f"the ticket does not mention “{words}”"


def _slot(memory: Memory, name: str) -> str:
    if name == "customer_number":
        return memory.customer_number
    known = memory.known.get(name)
    return known.value if known else ""


def either(fact: Sequence[str]) -> str:
    """The ways to say something, for people."""
    return " or ".join(f"“{words}”" for words in fact)
