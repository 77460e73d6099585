"""The door to the agent: what is heard goes in, what to say and do comes out.

No audio and no telephone in this room: `frontdesk chat` runs it from a terminal.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from backend.core.records import CallInfo, CallOutcome, Customer, TicketDraft
from backend.core.speech import Completeness, Heard, Question, Sentence


class CustomerDirectory(Protocol):
    """Looks customers up. Reading only: everything with an effect is an `Action`."""

    async def find(self, customer_number: str) -> Customer | None:
        """The customer with exactly this number, or None. Raises StoreError when unreachable."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What the agent made of the caller's words; yielded before the answer's first sentence."""

    intent: str
    confidence: float


@dataclass(frozen=True, slots=True)
class IdentifyCustomer:
    """Action: this call belongs to this customer."""

    customer_number: str


@dataclass(frozen=True, slots=True)
class OpenTicket:
    """Action: store a ticket. Its number may be spoken in the same turn."""

    draft: TicketDraft


@dataclass(frozen=True, slots=True)
class Transfer:
    """Action: connect the caller to a person. On failure the agent hears TRANSFER_FAILED."""

    extension: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """Action: end the call once everything before it has been said."""

    outcome: CallOutcome = CallOutcome.COMPLETED


Action = IdentifyCustomer | OpenTicket | Transfer | HangUp


class Dialogue(Protocol):
    """The agent's memory of one call. Immutable: a discarded speculative turn leaves no trace."""

    @property
    def question(self) -> Question:
        """What the caller is being asked now."""

    @property
    def main_intent(self) -> str:
        """What the call is about so far; empty when unknown."""


Step = Understood | Sentence | Action | Dialogue
"""One item of a reply. The last item is always the new Dialogue, and only that one."""


class Agent(Protocol):
    """Decides what to say and do. One for all calls; holds no state of any call."""

    def begin(self, call: CallInfo) -> Dialogue:
        """A fresh memory. The first `reply` gets HeardKind.CALL_STARTED and greets.

        The dialogue keeps the knowledge base of this moment: later edits do not disturb it.
        """

    def reply(self, heard: Heard, dialogue: Dialogue) -> AsyncIterator[Step]:
        """React to what was heard. Sentences stream, so speech starts before the answer is whole.

        Yielding has no effect: the call carries actions out, in order, once the turn is
        committed. Never raises for anything a caller says; trouble with tools becomes an apology.
        """

    def completeness(self, text: str, dialogue: Dialogue) -> Completeness:
        """Whether `text`, said in answer to the dialogue's question, can be the whole turn.

        Milliseconds of computing at most; called on every pause of the caller.
        """

    def interrupted(self, dialogue: Dialogue, heard: Sequence[str]) -> Dialogue:
        """The caller cut the answer that led to `dialogue` short. `heard`: the sentences they
        heard, the last perhaps in part. A question they did not hear is not being answered."""

    def filler(self, dialogue: Dialogue) -> Sentence:
        """A few words for when the answer takes long: "One moment, please."

        One of the `fixed_sentences`.
        """

    def fixed_sentences(self) -> Sequence[str]:
        """Every sentence that can be spoken as it stands, to be synthesised ahead of time."""
