"""The agent's memory of one call: what is being asked, what is known, what was said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from backend.agent.intents.base import IntentGuess
from backend.agent.knowledge.store import Snapshot
from backend.core.records import CallInfo
from backend.core.speech import OPEN_QUESTION, Heard, Question, Sentence

if TYPE_CHECKING:
    from backend.agent.turn import Turn


@dataclass(frozen=True, slots=True)
class Phrase:
    """A response of the knowledge base with the values of its slots."""

    key: str
    slots: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Doubt:
    """Something heard too badly to act on: "did you say …?" was asked. Or something that can be
    two requests: "is it about … or about …?"

    `asked` and `question` are what it answers, to go back to.
    """

    heard: Heard
    asked: Phrase | None
    question: Question
    intent: str = ""
    """What a yes means; empty: what the classifier makes of `heard`."""
    choices: tuple[str, ...] = ()
    """Labels of the two requests."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the caller has told us of themselves, and how far it can be relied on."""

    value: str
    """As tickets keep it."""
    spoken: str
    """As it is said to the caller."""
    confirmed: bool = False
    """They agreed when it was read back, or keyed it."""
    corrected: bool = False
    """They changed it after they had first said it."""

    def __str__(self) -> str:
        notes = [
            *(["confirmed"] if self.confirmed else ["not confirmed"]),
            *(["corrected by the caller"] if self.corrected else []),
        ]
        return f"{self.value} ({', '.join(notes)})"


@dataclass(frozen=True, slots=True)
class Verified:
    """The customer number just accepted, and what was done with it: it may be taken back."""

    number: str
    task: "Task | None"
    optional: bool
    """Whether the task can do without a customer."""
    tickets: Mapping[tuple[str, str], str]
    """The tickets there were before."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """An open question and its answer, as context for the next one."""

    caller: str
    bot: str


PHONE = "phone"
"""Name in `Memory.known`: a number to call back on."""
CALLBACK_TIME = "callback_time"
"""Name in `Memory.known`: when to call back."""


class Task:
    """Something begun that waits for the caller's answer. Subclasses are frozen dataclasses.

    A task sees what is heard before the intents do: `fits` says whether it is an answer to the
    task's question. What does not fit is treated as a request of its own; afterwards the question
    comes `again`. A task that asks nothing itself only waits to be resumed.
    """

    __slots__ = ()

    intent: ClassVar[str] = ""
    """What an answer to this task is recorded as; empty: as the yes or no that it is."""
    in_progress: ClassVar[bool] = True
    """False: nothing is lost when the caller turns to something else."""

    def fits(self, turn: "Turn") -> bool:
        """Whether what was heard answers this task's question."""
        return False

    async def answer(self, turn: "Turn") -> None:
        """Go on with an answer that fits."""
        raise NotImplementedError(f"{type(self).__name__} asks nothing")

    async def resume(self, turn: "Turn") -> None:
        """The task put on top of this one (a customer number, a phone number) is done."""
        raise NotImplementedError(f"{type(self).__name__} never waits for another task")

    async def misfit(self, turn: "Turn") -> bool:
        """React to what is neither an answer nor any other request; False: in the usual way."""
        return False

    def again(self, turn: "Turn") -> None:
        """Ask the question again after the caller asked something else."""
        turn.ask_again()

    def retry(self, turn: "Turn") -> None:
        """Ask the question again after the answer was not understood."""
        turn.ask_again()

    def settle(self, turn: "Turn") -> None:
        """The call ends before the answer came: do what can be done without it."""

    def read_back(self, turn: "Turn") -> Phrase | None:
        """How to ask whether an answer was heard rightly; None takes it as it is."""
        return None


@dataclass(frozen=True, slots=True)
class Memory:
    """Implements `Dialogue`. Immutable: a turn that is thrown away leaves no trace."""

    snapshot: Snapshot
    call: CallInfo
    question: Question = OPEN_QUESTION
    main_intent: str = ""
    customer_number: str = ""
    """The customer this call belongs to; empty until verified."""
    verified: Verified | None = None
    """Set for the turn after a customer number was accepted."""
    known: Mapping[str, Known] = field(default_factory=dict)
    """What else the caller has given: `PHONE`, `CALLBACK_TIME`."""
    mistaken: tuple[str, ...] = ()
    """Tickets opened for a customer number that the caller then corrected."""
    number_failures: int = 0
    """Customer numbers that were wrong, in the whole call: it limits guessing."""
    tickets: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Numbers of the tickets opened in this call, by type and subject."""
    callback_ticket: str = ""
    """Number of the ticket that asks a person to call back, once there is one."""
    tasks: tuple[Task, ...] = ()
    """The last one is asking; the others wait for it."""
    pending: tuple[IntentGuess, ...] = ()
    """What else the caller asked for in the same breath: dealt with after what is begun."""
    asked: Phrase | None = None
    """The question just asked."""
    doubt: Doubt | None = None
    said: tuple[Sentence, ...] = ()
    """The last answer, for "what did you say?"."""
    misses: int = 0
    """Turns in a row of which nothing was understood."""
    uses: Mapping[str, int] = field(default_factory=dict)
    """How often each response was used: wordings take turns."""
    history: tuple[Exchange, ...] = ()
    """Recent open questions. Nothing about the customer goes in here: the LLM reads it."""
