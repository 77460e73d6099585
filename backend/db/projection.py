"""Carrying operations out: events and tickets become rows, each once, and are counted."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import groupby

from sqlalchemy import bindparam, func, or_, select, tuple_
from sqlalchemy.orm import Session

from backend.core.records import CallOutcome, TicketStatus
from backend.db import models, searching
from backend.db.call_rows import CallRows, close, find_customer_id
from backend.db.counting import Tally, what_was_said
from backend.db.operations import OpenTicket, Operation, RecordEvent

LONGEST_CALL = timedelta(days=1)
"""A call without an end that began before this is over, whoever held it."""

RecordingOf = Callable[[str], str]
"""From a call's id to the file name of its recording, empty when there is none."""


# Put together once: for a handful of rows that takes longer than the database does.
_EVENTS = models.Base.metadata.tables[models.CallEvent.__tablename__]
_EVENT_KEY = (_EVENTS.c.call_id, _EVENTS.c.seq)
_KNOWN_EVENTS = select(*_EVENT_KEY).where(
    tuple_(*_EVENT_KEY).in_(bindparam("keys", expanding=True))
)
_CALLS = select(models.Call).where(models.Call.id.in_(bindparam("ids", expanding=True)))


def apply(session: Session, operations: Iterable[Operation], zone: tzinfo = UTC) -> None:
    """Carry operations out, in order, in the session's transaction. Repeating any is harmless.

    `zone` says whose days the daily sums are about.
    """
    tally = Tally(zone)
    for kind, run in groupby(operations, type):
        if kind is RecordEvent:
            _record_events(session, [op for op in run if isinstance(op, RecordEvent)], tally)
        else:
            for operation in run:
                if isinstance(operation, OpenTicket):
                    _open_ticket(session, operation, tally)
    tally.write(session)


def _record_events(session: Session, operations: Sequence[RecordEvent], tally: Tally) -> None:
    fresh = _without_known(session, operations)
    calls = _calls(session, fresh)
    counted = [call for call in calls.values() if call.counted_on is not None]
    said = what_was_said(session, [call.id for call in counted])
    for call in counted:
        tally.take_back(call, said[call.id])
    rows = CallRows(session)
    for operation in fresh:
        rows.add(calls[operation.event.call_id], operation.event)
    rows.write()
    _count(session, [call for call in calls.values() if call.ended_at is not None], tally)


def _count(session: Session, ended: Sequence[models.Call], tally: Tally) -> None:
    """Calls that have ended are part of the sums, and can be searched."""
    if not ended:
        return
    said = what_was_said(session, [call.id for call in ended])
    for call in ended:
        tally.add_call(call, said[call.id])
    searching.index(session, [(call, said[call.id].texts) for call in ended])
    session.flush()


def _without_known(session: Session, operations: Sequence[RecordEvent]) -> list[RecordEvent]:
    wanted = {(operation.event.call_id, operation.event.seq): operation for operation in operations}
    found = session.connection().execute(_KNOWN_EVENTS, {"keys": list(wanted)})
    known = {tuple(row) for row in found}
    return [operation for key, operation in wanted.items() if key not in known]


def _calls(session: Session, operations: Sequence[RecordEvent]) -> dict[str, models.Call]:
    """The rows of the calls that events belong to; made where there are none yet."""
    first = {operation.event.call_id: operation for operation in reversed(operations)}
    found = session.scalars(_CALLS, {"ids": list(first)})
    calls = {call.id: call for call in found}
    for call_id, operation in first.items():
        if call_id not in calls:
            started_at = operation.event.at - timedelta(seconds=operation.event.at_s)
            calls[call_id] = _new_call(session, call_id, started_at)
        if not calls[call_id].bot:
            calls[call_id].bot = operation.bot
    session.flush()
    return calls


def _new_call(session: Session, call_id: str, started_at: datetime) -> models.Call:
    """A call of which nothing else is known: its first event may come late, or never."""
    call = models.Call(
        id=call_id, line="", caller="", called="", pbx_id="", bot="", started_at=started_at,
        duration_s=0.0, intent="", transfer_to="", recording="", turn_count=0,
    )  # fmt: skip
    session.add(call)
    return call


def _open_ticket(session: Session, operation: OpenTicket, tally: Tally) -> None:
    if session.scalar(select(models.Ticket.id).where(models.Ticket.key == operation.key)):
        return
    draft, at = operation.draft, operation.at
    if operation.call_id is not None and session.get(models.Call, operation.call_id) is None:
        _new_call(session, operation.call_id, at)
    ticket = models.Ticket(
        number=free_number(session, draft.number),
        key=operation.key,
        type=draft.type,
        subject=draft.subject,
        description=draft.description,
        status=TicketStatus.OPEN,
        priority=draft.priority,
        assignee="",
        customer_id=find_customer_id(session, draft.customer_number),
        customer_number=draft.customer_number or "",
        call_id=operation.call_id,
        created_at=at,
        updated_at=at,
    )
    session.add(ticket)
    session.flush()
    session.add(
        models.TicketChange(
            ticket_id=ticket.id, at=at, by=operation.by, field="status", old="", new=ticket.status
        )
    )
    session.flush()
    tally.add_ticket(at)


def free_number(session: Session, promised: str) -> str:
    """`promised`, or with `-2`, `-3`, … when another ticket has it already."""
    numbers = select(models.Ticket.number)
    if not session.scalar(numbers.where(models.Ticket.number == promised)):
        return promised
    taken = set(session.scalars(numbers.where(models.Ticket.number.startswith(f"{promised}-"))))
    return next(
        number for n in range(2, len(taken) + 3) if (number := f"{promised}-{n}") not in taken
    )


@dataclass(frozen=True, slots=True)
class Orphans:
    """Whose calls without an end are over."""

    bots: Sequence[str]
    """Prefixes of the bots known to be dead: see `outbox.Identity`."""
    alive: str
    """The one bot among them that is not: ourselves."""
    now: datetime


def close_interrupted(
    session: Session, orphans: Orphans, recording_of: RecordingOf, zone: tzinfo = UTC
) -> int:
    """Close calls whose bot died, at the last moment known of each; how many there were.

    Events and turns stay as they are, and the recording is kept with the call.
    """
    dead = [models.Call.bot.startswith(bot, autoescape=True) for bot in orphans.bots]
    calls = session.scalars(
        select(models.Call).where(
            models.Call.ended_at.is_(None),
            models.Call.bot != orphans.alive,
            or_(models.Call.started_at < orphans.now - LONGEST_CALL, *dead),
        )
    ).all()
    tally = Tally(zone)
    for call in calls:
        last = select(func.max(models.CallEvent.at)).where(models.CallEvent.call_id == call.id)
        ended_at = max(session.scalar(last) or call.started_at, call.started_at)
        close(call, CallOutcome.INTERRUPTED, ended_at, recording_of(call.id))
    _count(session, calls, tally)
    tally.write(session)
    return len(calls)
