"""Tickets: list, one with its history, open, work on."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, TypedDict

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from backend.core.events import EventType
from backend.core.records import TicketDraft, TicketPriority, TicketStatus, TicketType
from backend.db import models, projection
from backend.db.call_rows import find_customer_id
from backend.db.errors import ConflictError, InvalidError, NotFoundError
from backend.db.models import CallEvent, Customer, Ticket, TicketChange
from backend.db.operations import OpenTicket
from backend.db.queries.paging import Order, Page
from backend.db.queries.records import as_record

_NEWEST_FIRST = Order((Ticket.created_at, Ticket.id), (datetime, int), is_descending=True)
NOTE = "note"


@dataclass(frozen=True, slots=True)
class TicketRecord:
    """One ticket as lists show it."""

    id: int
    number: str
    """What the caller was told; with `-2` behind it if another ticket had the number already."""
    type: TicketType
    subject: str
    description: str
    status: TicketStatus
    priority: TicketPriority
    assignee: str
    customer_id: int | None
    customer_number: str
    customer_name: str
    call_id: str | None
    created_at: datetime
    updated_at: datetime
    version: int
    """Give it back with a change: see `update_ticket`."""


@dataclass(frozen=True, slots=True)
class ChangeRecord:
    """One line of a ticket's history; for a note `field` is `note` and `new` is its text."""

    at: datetime
    by: str
    field: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class TicketDetail:
    """One ticket and what happened to it, oldest first."""

    ticket: TicketRecord
    history: list[ChangeRecord]
    opened_at_s: float | None
    """When in its call it was opened; None when it was not opened by a call."""


@dataclass(frozen=True, slots=True)
class TicketFilter:
    """Which tickets; what is None does not matter."""

    status: TicketStatus | None = None
    priority: TicketPriority | None = None
    type: TicketType | None = None
    assignee: str | None = None
    """Empty: nobody's."""
    customer_id: int | None = None
    call_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """Opened in [since, until)."""


class TicketChanges(TypedDict, total=False):
    """What to change; a missing key stays as it is."""

    status: TicketStatus
    priority: TicketPriority
    type: TicketType
    assignee: str
    subject: str
    note: str
    """Added to the history."""


def list_tickets(
    session: Session, which: TicketFilter, *, cursor: str | None = None, limit: int = 50
) -> Page[TicketRecord]:
    """Tickets, newest first. Raises InvalidError for a wrong cursor."""
    return _NEWEST_FIRST.page(session, _with_customer(which), _record, cursor, limit)


def get_ticket(session: Session, number: str) -> TicketDetail:
    """One ticket with its history. Raises NotFoundError."""
    row = session.execute(
        _with_customer(TicketFilter()).where(Ticket.number == number)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no ticket {number}.")
    changes = session.scalars(
        select(TicketChange)
        .where(TicketChange.ticket_id == row[0].id)
        .order_by(TicketChange.ticket_id, TicketChange.id)
    )
    history = [as_record(ChangeRecord, change) for change in changes]
    return TicketDetail(_record(row), history, _opened_at_s(session, row[0]))


def _opened_at_s(session: Session, ticket: Ticket) -> float | None:
    if ticket.call_id is None:
        return None
    promised = ticket.number.partition("-")[0]
    events = session.execute(
        select(CallEvent.at_s, CallEvent.data)
        .where(CallEvent.call_id == ticket.call_id, CallEvent.type == EventType.TICKET_OPENED)
        .order_by(CallEvent.seq)
    )
    return next((at_s for at_s, data in events if data.get("number") == promised), None)


def list_board(
    session: Session, which: TicketFilter, limit: int
) -> dict[TicketStatus, Page[TicketRecord]]:
    """The newest tickets of every status."""
    return {
        status: list_tickets(session, replace(which, status=status), limit=limit)
        for status in TicketStatus
    }


def list_assignees(session: Session) -> list[str]:
    """Everybody who has a ticket, by name."""
    # One step in the index per name: `DISTINCT` would read a hundred thousand entries.
    names: list[str] = []
    query = select(func.min(Ticket.assignee))
    while (name := session.scalar(query.where(Ticket.assignee > (names or [""])[-1]))) is not None:
        names.append(name)
    return names


def count_tickets(session: Session) -> dict[TicketStatus, int]:
    """How many tickets stand where."""
    rows = session.execute(select(Ticket.status, func.count()).group_by(Ticket.status))
    found = {row[0]: row[1] for row in rows}
    return {status: found.get(status, 0) for status in TicketStatus}


def create_ticket(
    session: Session,
    draft: TicketDraft,
    *,
    by: str,
    now: datetime,
    call_id: str | None = None,
    zone: tzinfo = UTC,
) -> TicketDetail:
    """Open a ticket for a person or a program. Make its number with `core.ids`.

    `zone` as given to the store. Raises NotFoundError when there is no such call or customer.
    """
    if call_id is not None and session.get(models.Call, call_id) is None:
        raise NotFoundError(f"There is no call {call_id}.")
    if draft.customer_number and find_customer_id(session, draft.customer_number) is None:
        raise NotFoundError(f"There is no customer {draft.customer_number}.")
    operation = OpenTicket(draft, call_id, now, by)
    projection.apply(session, [operation], zone)
    number = session.scalars(select(Ticket.number).where(Ticket.key == operation.key)).one()
    return get_ticket(session, number)


def update_ticket(
    session: Session,
    number: str,
    changes: TicketChanges,
    *,
    by: str,
    now: datetime,
    version: int | None = None,
) -> TicketDetail:
    """Change a ticket; every change becomes a line of its history.

    `version` is that of the ticket the change was made from: raises ConflictError when somebody
    else changed it since. Raises NotFoundError, InvalidError.
    """
    ticket = session.scalar(select(Ticket).where(Ticket.number == number))
    if ticket is None:
        raise NotFoundError(f"There is no ticket {number}.")
    if version is not None and version != ticket.version:
        raise ConflictError(
            f"Somebody else changed ticket {number} meanwhile.",
            fix="Look at it again, then repeat your change.",
        )
    lines = []
    for field, new in changes.items():
        old = "" if field == NOTE else _field(ticket, field)
        if new == old:
            continue
        if field != NOTE:
            setattr(ticket, field, new)
        lines.append(
            TicketChange(
                ticket_id=ticket.id, at=now, by=by, field=field, old=str(old), new=str(new)
            )
        )
    if lines:
        ticket.updated_at = now
        flag_modified(ticket, "updated_at")  # a note alone is a new version too
        session.add_all(lines)
        session.flush()
    return get_ticket(session, number)


def _field(ticket: Ticket, field: str) -> Any:
    if field not in TicketChanges.__annotations__:
        raise InvalidError(f"A ticket has no {field} that can be changed.")
    return getattr(ticket, field)


def _with_customer(which: TicketFilter) -> Select[*tuple[Any, ...]]:
    query = select(Ticket, Customer.name).outerjoin(Customer, Ticket.customer_id == Customer.id)
    if which.since is not None:
        query = query.where(Ticket.created_at >= which.since)
    if which.until is not None:
        query = query.where(Ticket.created_at < which.until)
    for name in ("status", "priority", "type", "assignee", "customer_id", "call_id"):
        if (wanted := getattr(which, name)) is not None:
            query = query.where(getattr(Ticket, name) == wanted)
    return query


def _record(row: Row[*tuple[Any, ...]]) -> TicketRecord:
    ticket, name = row[:2]
    return as_record(TicketRecord, ticket, customer_name=name or "")
