"""Carrying operations out: events and tickets become rows, each once, and are counted."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import groupby

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.orm import Session

from backend.core.records import CallOutcome, TicketStatus
from backend.db import models
from backend.db.call_rows import CallRows, close
from backend.db.counting import Tally, answer_timings
from backend.db.operations import OpenTicket, Operation, RecordEvent

LONGEST_CALL = timedelta(days=1)
"""A call without an end that began before this is over, whoever held it."""

RecordingOf = Callable[[str], str]
"""From a call's id to the file name of its recording, empty when there is none."""


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
    by_call: defaultdict[str, list[RecordEvent]] = defaultdict(list)
    for operation in _without_known(session, operations):
        by_call[operation.event.call_id].append(operation)
    for call_id, group in by_call.items():
        first = group[0]
        started_at = first.event.at - timedelta(seconds=first.event.at_s)
        call = _call(session, call_id, started_at, first.bot)
        call.bot = call.bot or first.bot
        if call.ended_at is not None:
            tally.call(call, answer_timings(session, call_id), -1)
        CallRows(session, call).write([operation.event for operation in group])
        if call.ended_at is not None:
            tally.call(call, answer_timings(session, call_id))
    session.flush()


def _without_known(session: Session, operations: Sequence[RecordEvent]) -> list[RecordEvent]:
    wanted = {(operation.event.call_id, operation.event.seq): operation for operation in operations}
    key = tuple_(models.CallEvent.call_id, models.CallEvent.seq)
    rows = session.execute(
        select(models.CallEvent.call_id, models.CallEvent.seq).where(key.in_(list(wanted)))
    )
    known = {tuple(row) for row in rows}
    return [operation for key, operation in wanted.items() if key not in known]


def _call(session: Session, call_id: str, started_at: datetime, bot: str) -> models.Call:
    """The call's row; made from what little is known when its first event has not come."""
    call = session.get(models.Call, call_id)
    if call is None:
        call = models.Call(
            id=call_id, line="", caller="", called="", pbx_id="", bot=bot, started_at=started_at,
            duration_s=0.0, intent="", transfer_to="", recording="", turn_count=0,
        )  # fmt: skip
        session.add(call)
        session.flush()
    return call


def _open_ticket(session: Session, operation: OpenTicket, tally: Tally) -> None:
    if session.scalar(select(models.Ticket.id).where(models.Ticket.key == operation.key)):
        return
    draft, at = operation.draft, operation.at
    if operation.call_id is not None:
        _call(session, operation.call_id, at, "")
    ticket = models.Ticket(
        number=free_number(session, draft.number),
        key=operation.key,
        type=draft.type,
        subject=draft.subject,
        description=draft.description,
        status=TicketStatus.OPEN,
        priority=draft.priority,
        assignee="",
        customer_id=customer_id(session, draft.customer_number),
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
    tally.ticket(at)


def free_number(session: Session, promised: str) -> str:
    """`promised`, or with `-2`, `-3`, … when another ticket has it already."""
    numbers = select(models.Ticket.number)
    if not session.scalar(numbers.where(models.Ticket.number == promised)):
        return promised
    taken = set(session.scalars(numbers.where(models.Ticket.number.startswith(f"{promised}-"))))
    return next(
        number for n in range(2, len(taken) + 3) if (number := f"{promised}-{n}") not in taken
    )


def customer_id(session: Session, number: str | None) -> int | None:
    """The id of the customer with exactly this number."""
    if not number:
        return None
    return session.scalar(select(models.Customer.id).where(models.Customer.number == number))


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
        tally.call(call, answer_timings(session, call.id))
    session.flush()
    tally.write(session)
    return len(calls)
