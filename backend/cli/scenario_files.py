"""Calls an operator writes down in YAML: what callers say, and what must come of it.

`kb/scenarios/README.md` is the manual. Every mistake in a file is one sentence with its line.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from backend.core.errors import FrontdeskError
from backend.core.records import CallOutcome, Customer, TicketPriority, TicketStatus, TicketType
from backend.core.speech import Expect


class ScenarioFileError(FrontdeskError):
    """A scenario file cannot be used; the message names file, line and mistake."""

    code = "scenario"


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Words = Annotated[str, Field(min_length=1, max_length=1000)]
OneOrMore = Annotated[tuple[Words, ...], BeforeValidator(_as_list), Field(min_length=1)]
"""One text, or a list of them."""
Slot = Literal["customer_number", "phone", "callback_time"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CustomerEntry(_Part):
    """A customer the scenarios of this file may be about."""

    number: Words
    name: Words
    balance: Decimal = Decimal(0)
    currency: str = "USD"
    due: date | None = None
    plan: str = ""
    status: str = "active"

    def customer(self, row: int) -> Customer:
        """As the agent looks it up."""
        return Customer(
            row, self.number, self.name, self.balance, self.currency, self.due, self.plan,
            status=self.status,
        )  # fmt: skip


class TicketExpected(_Part):
    """What must be true of a ticket; what is left out may be anything."""

    type: TicketType
    priority: TicketPriority | None = None
    customer: str | None = None
    """The customer number; empty: nobody's."""
    subject: str = ""
    about: OneOrMore = ("",)
    """Must stand in the description."""


class Step(_Part):
    """One turn of the caller, and what must come of it."""

    say: OneOrMore | None = None
    """Wordings; the seed picks one."""
    keys: Annotated[str, Field(pattern=r"^[0-9*#]+$")] | None = None
    silence: bool = False
    noise: bool = False
    """Sound without words."""
    transfer_fails: bool = False
    """Nobody takes the transferred call."""
    confidence: Annotated[float, Field(ge=0, le=1)] = 1.0
    """How well the words were recognised."""

    intent: str | None = None
    asks: Expect | None = None
    slots: dict[Slot, str] = Field(default_factory=dict)
    facts: tuple[OneOrMore, ...] = ()
    """Must be spoken; of a list in the list, one of them."""
    forbidden: tuple[Words, ...] = ()
    ticket: TicketExpected | None = None
    """None: this step opens no ticket."""
    transfer: str | None = None
    """The extension; None: nobody is transferred."""
    ends: CallOutcome | None = None
    """None: the call goes on."""

    @model_validator(mode="after")
    def _one_input(self) -> Self:
        given = [
            self.say is not None, self.keys is not None, self.silence, self.noise,
            self.transfer_fails,
        ]  # fmt: skip
        if sum(given) != 1:
            raise ValueError(
                "a step has exactly one of say, keys, silence, noise and transfer_fails"
            )
        return self


class StoredCall(_Part):
    """The call's row; what is left out may be anything."""

    outcome: CallOutcome | None = None
    intent: str | None = None
    customer: str | None = None
    """The customer number; empty: nobody's."""
    transfer_to: str | None = None
    contained: bool | None = None
    """Whether it ended without a person."""


class StoredTicket(TicketExpected):
    """A ticket's row."""

    status: TicketStatus | None = None
    assignee: str | None = None


class StoredCustomer(_Part):
    """A customer's row; what is left out may be anything."""

    number: Words
    name: str | None = None
    balance: Decimal | None = None
    currency: str | None = None
    due: date | None = None
    plan: str | None = None
    email: str | None = None
    phone: str | None = None
    status: str | None = None


class StoredExpected(_Part):
    """What the database holds once the call is over."""

    call: StoredCall = StoredCall()
    tickets: tuple[StoredTicket, ...] | None = None
    """Exactly these, in the order they were opened; None: any."""
    customers: tuple[StoredCustomer, ...] = ()


class Scenario(_Part):
    """One call."""

    name: Words
    policy: Words
    """Which part of the agent it is about; figures are given for each."""
    caller: str = "+15557770123"
    person: Annotated[str, Field(pattern="^[+0-9]*$")] = ""
    """Extension of a person who can be reached; empty: nobody."""
    text_only: bool = False
    """Not to be played as a real call: it depends on the day or on the caller's number."""
    facts: tuple[OneOrMore, ...] = ()
    forbidden: tuple[Words, ...] = ()
    """Must not be spoken in the whole call."""
    stored: StoredExpected | None = None
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]

    @field_validator("steps")
    @classmethod
    def _ends_last(cls, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        for number, step in enumerate(steps[:-1], 1):
            if step.ends:
                raise ValueError(f"step {number} ends the call, and others follow")
        return steps


class _File(_Part):
    customers: tuple[CustomerEntry, ...] = ()
    scenarios: Annotated[tuple[Scenario, ...], Field(min_length=1)]


class Case(_Part):
    """A scenario with where it stands and whom it can be about."""

    place: str
    """`billing.yaml line 12`"""
    scenario: Scenario
    customers: tuple[Customer, ...]


def read_scenarios(path: Path) -> list[Case]:
    """All scenarios of a file, or of every .yaml file of a folder in the order of their names.

    Raises ScenarioFileError.
    """
    files = sorted(path.glob("*.y*ml")) if path.is_dir() else [path]
    if not files:
        raise ScenarioFileError(f"There are no scenarios (*.yaml) in {path}.")
    cases = [case for file in files for case in _read(file)]
    places: dict[str, str] = {}
    for case in cases:
        first = places.setdefault(case.scenario.name, case.place)
        if first != case.place:
            raise ScenarioFileError(
                f"{case.place}: there is a scenario “{case.scenario.name}” already ({first})."
            )
    return cases


def _read(file: Path) -> Iterator[Case]:
    try:
        # Every scalar stays text: "no" is what callers say, 0042 is a customer number.
        loader = yaml.BaseLoader(file.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        if node is None:
            raise ScenarioFileError(f"{file.name} is empty.")
        _refuse_twice(node, file)
        content = _File.model_validate(loader.construct_document(node))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ScenarioFileError(f"{file.name} line {line} is no YAML: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise ScenarioFileError(f"{file.name} is no YAML: {error}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioFileError(f"{file} cannot be read: {error}.") from error
    except RecursionError as error:
        raise ScenarioFileError(f"{file.name} goes too deep, or is part of itself.") from error
    except ValidationError as error:
        mistakes = (_mistake(file, node, each) for each in error.errors())
        raise ScenarioFileError("\n".join(dict.fromkeys(mistakes))) from error
    customers = tuple(entry.customer(row) for row, entry in enumerate(content.customers, 1))
    for number, scenario in enumerate(content.scenarios):
        line = _line(node, ("scenarios", number))
        yield Case(place=f"{file.name} line {line}", scenario=scenario, customers=customers)


def _mistake(file: Path, root: yaml.Node, error: ErrorDetails) -> str:
    where = error["loc"]
    line = _line(root, where)
    named = ".".join(
        str(part + 1) if isinstance(part, int) else part for part in where if _is_ours(part)
    )
    said = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        known = ", ".join(_known_beside(where))
        return f"{file.name} line {line}: {named} is not known here; there are {known}."
    if error["type"] == "missing":
        return f"{file.name} line {line}: {named} is missing."
    return f"{file.name} line {line}: {named or 'the file'}: {said}."


def _is_ours(part: int | str) -> bool:
    """Whether it is a part of the file and not of pydantic's own names for kinds."""
    return isinstance(part, int) or part.isidentifier()


def _known_beside(where: Sequence[int | str]) -> list[str]:
    models: dict[str, type[BaseModel]] = {
        "scenarios": Scenario, "steps": Step, "ticket": TicketExpected, "customers": CustomerEntry,
        "stored": StoredExpected, "call": StoredCall, "tickets": StoredTicket,
    }  # fmt: skip
    if "stored" in where:
        models["customers"] = StoredCustomer
    inside: type[BaseModel] = _File
    for part in where[:-1]:
        inside = models.get(str(part), inside)
    return list(inside.model_fields)


def _line(root: yaml.Node, where: Sequence[int | str]) -> int:
    """The line of the part at `where`, or of what it is missing in."""
    node = root
    line = root.start_mark.line
    for part in where:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
        elif isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == part), None)
            if found is None:
                break
            line = found[0].start_mark.line
            node = found[1]
    return int(line) + 1


def _refuse_twice(node: yaml.Node, file: Path) -> None:
    """YAML lets a key stand twice and forgets the first: one of the two was a mistake."""
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in keys:
                line = key.start_mark.line + 1
                name = key.value if isinstance(key, yaml.ScalarNode) else "this"
                raise ScenarioFileError(f"{file.name} line {line}: {name} stands here twice.")
            keys.add(key.value)
            _refuse_twice(value, file)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_twice(value, file)
