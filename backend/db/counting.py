"""The daily sums, kept up to date as calls end and tickets open.

They are kept rather than derived at reading time because a page asks for a year at a time, and
adding up a million calls takes seconds where adding up 365 rows takes a millisecond. They cannot
drift: a call is added in the same transaction that closes it, taken back before anything about a
closed call changes and added again afterwards, and every amount is a whole number. `rebuild`
derives the same sums from the rows; the tests hold the two against each other.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from sqlalchemy import Table, and_, bindparam, delete, insert, select, tuple_, update
from sqlalchemy.orm import Session

from backend.core.records import CallOutcome
from backend.db import models
from backend.db.latency import PARTS, slot

_DAYS, _INTENTS, _LATENCY = (
    models.Base.metadata.tables[model.__tablename__]
    for model in (models.DailyAnalytics, models.DailyIntent, models.DailyLatency)
)
_TIMINGS = tuple(getattr(models.Turn, f"{part}_s") for part in PARTS)
_AT_ONCE = 500

Timings = tuple[float | None, ...]
"""One answer's seconds, in the order of `latency.PARTS`."""


class Tally:
    """Collects what to add to the daily sums, and adds it."""

    def __init__(self, zone: tzinfo = UTC) -> None:
        self._zone = zone
        """Whose days: the day a call or a ticket belongs to is the date on the wall there."""
        self._sums: dict[Table, defaultdict[tuple[Any, ...], Counter[str]]] = {
            table: defaultdict(Counter) for table in (_DAYS, _INTENTS, _LATENCY)
        }

    def add_call(self, call: models.Call, timings: Iterable[Timings]) -> None:
        """Add a closed call."""
        call.counted_on = self._day(call.started_at)
        self._sum_up(call, call.counted_on, timings, 1)

    def take_back(self, call: models.Call, timings: Iterable[Timings]) -> None:
        """Undo `add_call`, while the call and its turns are still as they were."""
        if call.counted_on is not None:
            self._sum_up(call, call.counted_on, timings, -1)
            call.counted_on = None

    def _sum_up(self, call: models.Call, day: date, timings: Iterable[Timings], sign: int) -> None:
        call_sums = {
            "calls": sign,
            "contained": sign * bool(call.contained),
            "duration_ms": sign * round(call.duration_s * 1000),
        }
        self._sums[_INTENTS][day, call.intent].update(call_sums)
        self._sums[_DAYS][(day,)].update(
            call_sums,
            transferred=sign * (call.outcome is CallOutcome.TRANSFERRED),
            turns=sign * call.turn_count,
        )
        for row in timings:
            for part, seconds in zip(PARTS, row, strict=True):
                if seconds is not None:
                    self._sums[_LATENCY][day, slot(part, seconds)]["turns"] += sign

    def add_ticket(self, opened_at: datetime) -> None:
        """Add a new ticket."""
        self._sums[_DAYS][(self._day(opened_at),)]["tickets"] += 1

    def write(self, session: Session) -> None:
        """Add everything collected to the tables."""
        for table, sums in self._sums.items():
            # Always in the same order: two bots adding at once must not wait for each other.
            keys = sorted(key for key, amounts in sums.items() if any(amounts.values()))
            for start in range(0, len(keys), _AT_ONCE):
                chunk = keys[start : start + _AT_ONCE]
                _add(session, table, {key: sums[key] for key in chunk})
            sums.clear()

    def _day(self, at: datetime) -> date:
        return at.astimezone(self._zone).date()


def _add(session: Session, table: Table, sums: dict[tuple[Any, ...], Counter[str]]) -> None:
    keys = table.primary_key.columns
    amounts = [column for column in table.columns if not column.primary_key]
    wanted = tuple_(*keys).in_(list(sums))
    known = {tuple(row) for row in session.execute(select(*keys).where(wanted))}
    old: list[dict[str, Any]] = []
    new: list[dict[str, Any]] = []
    for key, counter in sums.items():
        row = {f"to_{column.name}": value for column, value in zip(keys, key, strict=True)}
        row |= {f"by_{column.name}": counter[column.name] for column in amounts}
        (old if key in known else new).append(row)
    if old:
        more = {column.name: column + bindparam(f"by_{column.name}") for column in amounts}
        here = and_(*(column == bindparam(f"to_{column.name}") for column in keys))
        session.connection().execute(update(table).where(here).values(more), old)
    if new:
        session.execute(
            insert(table), [{name[3:]: value for name, value in row.items()} for row in new]
        )


def answer_timings(session: Session, call_id: str) -> Sequence[Timings]:
    """The timings of every answer the bot gave in a call."""
    rows = session.execute(
        select(*_TIMINGS).where(models.Turn.call_id == call_id, models.Turn.who == models.Who.BOT)
    )
    return [tuple(row) for row in rows]


def rebuild(session: Session, zone: tzinfo = UTC) -> None:
    """Derive all daily sums anew: after a change of zone, or rows added by other means."""
    for table in (_DAYS, _INTENTS, _LATENCY):
        session.execute(delete(table))
    tally = Tally(zone)
    last = ""
    while calls := _next_closed(session, last):
        timings: defaultdict[str, list[Timings]] = defaultdict(list)
        ids = [call.id for call in calls]
        of_these = (models.Turn.call_id.in_(ids), models.Turn.who == models.Who.BOT)
        for row in session.execute(select(models.Turn.call_id, *_TIMINGS).where(*of_these)):
            timings[row[0]].append(tuple(row[1:]))
        for call in calls:
            tally.add_call(call, timings[call.id])
        last = ids[-1]
        session.flush()
        session.expunge_all()
    for opened_at in session.scalars(select(models.Ticket.created_at)):
        tally.add_ticket(opened_at)
    tally.write(session)


def _next_closed(session: Session, after: str) -> Sequence[models.Call]:
    query = select(models.Call).where(models.Call.id > after, models.Call.ended_at.is_not(None))
    return session.scalars(query.order_by(models.Call.id).limit(_AT_ONCE)).all()
