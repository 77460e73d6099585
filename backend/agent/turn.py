"""One turn being made: what was heard, and the answer as the policies write it."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from backend.agent.base import Action, HangUp, IdentifyCustomer, OpenTicket, Step, Transfer
from backend.agent.intents.base import IntentClassifier, IntentGuess
from backend.agent.knowledge.model import FAQ, Knowledge
from backend.agent.memory import CALLBACK_TIME, PHONE, Known, Memory, Phrase, Task
from backend.agent.services import Services
from backend.agent.slots.numbers import (
    Length,
    NumberSlot,
    keyed_number,
    spoken_number,
    without_number,
)
from backend.agent.slots.yes_no import Answer, YesNo, yes_no
from backend.agent.words import words
from backend.core.ids import new_ticket_number
from backend.core.records import CallOutcome, Customer, TicketDraft, TicketPriority, TicketType
from backend.core.speech import (
    OPEN_QUESTION,
    Expect,
    Heard,
    HeardKind,
    Question,
    Sentence,
)

YES_NO_QUESTION = Question(Expect.YES_NO)
REQUESTS = frozenset(
    {
        "billing",
        "technical_support",
        "account_info",
        "new_service",
        "cancellation",
        "complaint",
        "human",
        "goodbye",
        FAQ,
    }
)
"""Intents that ask for something by themselves, whatever was being asked."""
SURE = 0.5
"""Confidence from which a request interrupts a question it does not answer."""
LONGEST_QUOTE = 1000
"""Characters of the caller's words that go into a ticket; typed text has no limit of its own."""
Choice = TypeVar("Choice")
_YES_KEY, _NO_KEY = "1", "2"


class Turn:
    """Read by the policies (`heard`, `guess`, `yes_no`, …) and written by them (`say`, `ask`, …).

    Lives for one turn only. `memory` is replaced, never changed.
    """

    def __init__(
        self,
        heard: Heard,
        memory: Memory,
        services: Services,
        classifier: IntentClassifier | None = None,
    ) -> None:
        """`classifier` instead of the snapshot's."""
        self._classifier = classifier or memory.snapshot.classifier
        self.heard = heard
        self.memory = memory
        self.services = services
        self.steps: list[Step] = []
        self.reprompt = False
        """The answer only asks again: "what did you say?" still means the one before."""
        self.open_question = ""
        """Set when the LLM or a document is to answer this."""
        self._guess: IntentGuess | None = None
        self._customer: Customer | None = None

    # What was heard

    @property
    def knowledge(self) -> Knowledge:
        """The knowledge base this call began with."""
        return self.memory.snapshot.knowledge

    @property
    def guess(self) -> IntentGuess:
        """What the words mean by themselves; see `request`."""
        if self._guess is None:
            self._guess = self._classifier.classify(self.request)
        return self._guess

    async def understand(self) -> None:
        """Have `guess` ready, from a thread where making it takes milliseconds."""
        quick = self.memory.snapshot.quick_classifier
        if self.heard.kind is HeardKind.WORDS and self._classifier is not quick:
            self._guess = await asyncio.to_thread(self._classifier.classify, self.request)

    @property
    def request(self) -> str:
        """The words without a leading "yes," or "no," and without a customer number in them."""
        text = self.heard.text
        answer = yes_no(text)
        if answer and len(words(answer.rest)) > 1:
            text = answer.rest
        length = Length(self.knowledge.min_digits, self.knowledge.max_digits)
        return without_number(text, length)

    def hear_as(self, heard: Heard, meaning: IntentGuess | None = None) -> None:
        """Take something else to be what was heard (a doubt was cleared up), and to mean this."""
        self.heard = heard
        self._guess = meaning

    def understand_as(self, intent: str) -> None:
        """Take the words to mean `intent`, whatever the classifier makes of them."""
        self._guess = IntentGuess(intent, 1.0)

    def yes_no(self, *, confirming: bool = False) -> YesNo | None:
        """The answer to a yes-or-no question, spoken or keyed (1 is yes, 2 is no)."""
        if self.heard.kind is HeardKind.DIGITS:
            keys = {_YES_KEY: Answer.YES, _NO_KEY: Answer.NO}
            answer = keys.get(self.heard.digits.rstrip("#"))
            return YesNo(answer) if answer else None
        return yes_no(self.heard.text, confirming=confirming)

    def number(self, length: Length) -> NumberSlot | None:
        """Digits spoken or keyed."""
        if self.heard.kind is HeardKind.DIGITS:
            return keyed_number(self.heard.digits, length)
        return spoken_number(self.heard.text, length)

    def keyed_choice(self, choices: Sequence[Choice]) -> Choice | None:
        """The choice whose position, from 1, was keyed."""
        key = self.heard.digits.rstrip("#")
        for position, choice in enumerate(choices, 1):
            if self.heard.kind is HeardKind.DIGITS and key == str(position):
                return choice
        return None

    def asks_for_something_else(self, *own: str) -> bool:
        """Whether the caller clearly makes a request other than the intents `own`."""
        if self.heard.kind is not HeardKind.WORDS:
            return False
        guess = self.guess
        return guess.intent in REQUESTS and guess.intent not in own and guess.confidence >= SURE

    async def customer(self) -> Customer | None:
        """The verified customer's record. Raises RecordsUnavailable."""
        number = self.memory.customer_number
        if self._customer is None and number:
            self._customer = await self.look_up(number)
        return self._customer

    async def look_up(self, number: str) -> Customer | None:
        """Any customer's record: only for verification. Raises RecordsUnavailable."""
        return await self.services.find_customer(number, self.memory.call.call_id)

    # What is remembered

    @property
    def task(self) -> Task | None:
        """The task that is asking."""
        return self.memory.tasks[-1] if self.memory.tasks else None

    def remember(self, name: str, known: Known) -> None:
        """Keep what the caller has told; see `Memory.known`."""
        self.memory = replace(self.memory, known={**self.memory.known, name: known})

    def push(self, task: Task) -> None:
        """Begin a task on top of the others."""
        self.memory = replace(self.memory, tasks=(*self.memory.tasks, task))

    def swap(self, task: Task) -> None:
        """The task that is asking becomes `task`."""
        self.memory = replace(self.memory, tasks=(*self.memory.tasks[:-1], task))

    def pop(self) -> None:
        """The task that is asking is done."""
        self.memory = replace(self.memory, tasks=self.memory.tasks[:-1])

    def drop_tasks(self) -> None:
        """Leave everything that was begun."""
        self.memory = replace(self.memory, tasks=())

    # What is said and done

    def say(self, key: str, /, **slots: str) -> None:
        """Speak response `key` of the knowledge base."""
        use = self.memory.uses.get(key, 0)
        self.memory = replace(self.memory, uses={**self.memory.uses, key: use + 1})
        self.tell(self.knowledge.responses.sentences(key, use, **slots), f"kb:responses/{key}")

    def tell(self, sentences: Iterable[str], source: str) -> None:
        """Speak sentences from elsewhere in the knowledge base."""
        self.steps += [Sentence(sentence, source) for sentence in sentences]

    def ask(self, key: str, question: Question = OPEN_QUESTION, /, **slots: str) -> None:
        """Speak a question; the next thing heard answers it."""
        self.say(key, **slots)
        self.memory = replace(self.memory, asked=Phrase(key, slots), question=question)

    def ask_again(self) -> None:
        """Speak the last question once more, perhaps in its other wording."""
        asked = self.memory.asked or Phrase("how_can_i_help")
        self.ask(asked.key, self.memory.question, **asked.slots)

    def offer_keys(self, choices: Iterable[str]) -> None:
        """Tell which key stands for which choice; `keyed_choice` reads the answer."""
        for position, choice in enumerate(choices, 1):
            self.say("menu_option", key=str(position), choice=choice)

    def do(self, action: Action) -> None:
        """Have the call carry this out, in its place among the sentences."""
        self.steps.append(action)

    def identify(self, customer: Customer) -> None:
        """From now on this call belongs to this customer."""
        self.do(IdentifyCustomer(customer.number))
        self._customer = customer
        self.memory = replace(self.memory, customer_number=customer.number)

    def open_ticket(
        self,
        kind: TicketType,
        subject: str,
        said: str = "",
        priority: TicketPriority = TicketPriority.NORMAL,
    ) -> str:
        """Have a ticket stored and return its number, to be told after this.

        Asked for again in the same call, it is the same ticket.
        """
        memory = self.memory
        known = memory.tickets.get((kind, subject))
        if known:
            return known
        facts = {
            "The caller said": said[:LONGEST_QUOTE],
            "Call": memory.call.call_id,
            "Calling from": memory.call.caller,
            "Call back on": str(memory.known.get(PHONE, "")),
            "Call back at": str(memory.known.get(CALLBACK_TIME, "")),
            "Replaces": " and ".join(memory.mistaken),
        }
        draft = TicketDraft(
            number=new_ticket_number(),
            type=kind,
            subject=subject,
            description="\n".join(f"{name}: {value}" for name, value in facts.items() if value),
            priority=priority,
            customer_number=memory.customer_number or None,
        )
        self.do(OpenTicket(draft))
        tickets = {**memory.tickets, (kind, subject): draft.number}
        self.memory = replace(memory, tickets=tickets, mistaken=())
        return draft.number

    def transfer(self) -> None:
        """Put the caller through to a person; only where an extension is configured."""
        self.memory = replace(self.memory, pending=())
        self.do(Transfer(self.services.human_extension))

    def hang_up(self, outcome: CallOutcome = CallOutcome.COMPLETED) -> None:
        """End the call after what was said."""
        self.memory = replace(self.memory, tasks=(), pending=())
        self.do(HangUp(outcome))
