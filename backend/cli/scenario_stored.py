"""What the database must hold after a written call, and what is not as it must be.

A call played as text is stored for that: through the rows a real call becomes, in a database of
its own, and taken back afterwards.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from backend.agent.base import HangUp, IdentifyCustomer, OpenTicket, Step, Transfer, Understood
from backend.cli.scenario_files import StoredCall, StoredCustomer, StoredExpected, StoredTicket
from backend.core.events import CallEvent, EventType
from backend.core.records import CallInfo, CallOutcome, Customer
from backend.core.speech import Heard, HeardKind, Sentence
from backend.db.engine import WRITE, WRITING, open_engine
from backend.db.init import initialise
from backend.db.operations import OpenTicket as StoreTicket
from backend.db.operations import Operation, RecordEvent
from backend.db.projection import apply
from backend.db.queries.calls import CallDetail, get_call
from backend.db.queries.customers import CustomerDraft, create_customer, find_customer
from backend.db.queries.tickets import TicketRecord

Customers = Mapping[str, Customer | None]
"""By number; None: there is no such customer."""


def wrong_in_database(
    expected: StoredExpected, call: CallDetail, customers: Customers
) -> Iterator[str]:
    """Every mistake, as a sentence. `customers` has those that are expected, as far as they are."""
    yield from _wrong_call(expected.call, call)
    if expected.tickets is not None:
        if len(call.tickets) != len(expected.tickets):
            yield f"{len(call.tickets)} tickets are stored, not {len(expected.tickets)}"
        # Lists of tickets begin with the newest.
        for wanted, ticket in zip(expected.tickets, reversed(call.tickets), strict=False):
            yield from _wrong_ticket(wanted, ticket)
    for row in expected.customers:
        yield from _wrong_customer(row, customers.get(row.number))


def _wrong_call(wanted: StoredCall, call: CallDetail) -> Iterator[str]:
    found = {
        "outcome": call.call.outcome,
        "intent": call.call.intent,
        "customer": call.call.customer_number or "",
        "transfer_to": call.call.transfer_to,
        "contained": call.call.contained,
    }
    yield from _wrong_fields("the stored call", wanted.model_dump(exclude_none=True), found)


def _wrong_ticket(wanted: StoredTicket, ticket: TicketRecord) -> Iterator[str]:
    found = {
        "type": ticket.type,
        "status": ticket.status,
        "priority": ticket.priority,
        "customer": ticket.customer_number or "",
        "assignee": ticket.assignee,
    }
    given = wanted.model_dump(exclude_none=True, exclude={"subject", "about"})
    yield from _wrong_fields("the stored ticket", given, found)
    if wanted.subject.lower() not in ticket.subject.lower():
        yield f"the stored ticket's subject is “{ticket.subject}”"
    for words in wanted.about:
        if words.lower() not in ticket.description.lower():
            yield f"the stored ticket does not mention “{words}”"


def _wrong_customer(wanted: StoredCustomer, customer: Customer | None) -> Iterator[str]:
    if customer is None:
        yield f"there is no customer {wanted.number}"
        return
    found = {each.name: getattr(customer, each.name) for each in fields(customer)}
    found["due"] = found.pop("due_date")
    given = wanted.model_dump(exclude_none=True)
    yield from _wrong_fields(f"customer {wanted.number}", given, found)


def _wrong_fields(what: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    for name, value in wanted.items():
        if found[name] != value:
            yield f"{what} has {name} {_shown(found[name])}, not {_shown(value)}"


def _shown(value: object) -> str:
    return "nothing" if value in (None, "") else str(value)


@dataclass(frozen=True, slots=True)
class TextTurn:
    """One turn of a call played as text."""

    heard: Heard
    steps: Sequence[Step]


class ScratchDatabase:
    """A database in a temporary folder, for `stored`; made when it is first asked for."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._engine: Engine | None = None

    def close(self) -> None:
        """Remove it."""
        self._stack.close()

    @contextmanager
    def stored(
        self,
        info: CallInfo,
        turns: Sequence[TextTurn],
        *,
        intent: str,
        at: datetime,
        customers: Sequence[Customer],
    ) -> Iterator[tuple[CallDetail, Customers]]:
        """The call as it is stored, and the customers after it; gone after the `with` block."""
        with Session(self._open().execution_options(**{WRITING: WRITE})) as session:
            for customer in customers:
                create_customer(session, _draft(customer), now=at)
            apply(session, list(_operations(info, turns, intent, at)))
            after = {each.number: find_customer(session, each.number) for each in customers}
            try:
                yield get_call(session, info.call_id), after
            finally:
                session.rollback()

    def _open(self) -> Engine:
        if self._engine is None:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory())
            url = f"sqlite:///{Path(folder) / 'scenarios.db'}"
            initialise(url, datetime.now().astimezone().date(), empty=True)
            self._engine = open_engine(url)
            self._stack.callback(self._engine.dispose)
        return self._engine


def _draft(customer: Customer) -> CustomerDraft:
    given = {each.name: getattr(customer, each.name) for each in fields(customer)}
    del given["id"]
    return CustomerDraft(**given)


def _operations(
    info: CallInfo, turns: Sequence[TextTurn], intent: str, at: datetime
) -> Iterator[Operation]:
    """What a call with these turns tells the database."""
    seq = -1

    def event(type_: EventType, **data: Any) -> RecordEvent:
        nonlocal seq
        seq += 1
        moment = at + timedelta(seconds=seq)
        return RecordEvent(CallEvent(info.call_id, seq, type_, moment, float(seq), data), "text")

    yield event(
        EventType.CALL_STARTED,
        line=info.line, caller=info.caller, called=info.called, pbx_id=info.pbx_id,
    )  # fmt: skip
    outcome = CallOutcome.CALLER_HUNG_UP
    for number, turn in enumerate(turns):
        heard = turn.heard
        if heard.kind is HeardKind.TRANSFER_FAILED:
            yield event(EventType.TRANSFER_FAILED, reason="no answer")
            outcome = CallOutcome.CALLER_HUNG_UP
        yield event(
            EventType.CALLER_SAID,
            turn=number, kind=heard.kind, text=heard.text, digits=heard.digits,
            confidence=heard.confidence,
        )  # fmt: skip
        for step in turn.steps:
            match step:
                case Understood():
                    yield event(
                        EventType.UNDERSTOOD,
                        turn=number, intent=step.intent, confidence=step.confidence,
                    )  # fmt: skip
                case IdentifyCustomer():
                    yield event(EventType.CUSTOMER_IDENTIFIED, customer_number=step.customer_number)
                case OpenTicket():
                    yield StoreTicket(step.draft, info.call_id, at + timedelta(seconds=seq))
                case Transfer():
                    yield event(EventType.TRANSFER_STARTED, extension=step.extension)
                    outcome = CallOutcome.TRANSFERRED
                case HangUp():
                    outcome = step.outcome
                case _:
                    pass
        said = " ".join(step.text for step in turn.steps if isinstance(step, Sentence))
        yield event(EventType.BOT_SAID, turn=number, text=said)
    yield event(EventType.CALL_ENDED, outcome=outcome, intent=intent)
