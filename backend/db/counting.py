"""The daily sums, kept up to date as calls end and tickets open.

They are kept rather than derived at reading time because a page asks for a year at a time, and
adding up a million calls takes seconds where adding up 365 rows takes a millisecond. They cannot
drift: a call is added in the same transaction that closes it, taken back before anything about a
closed call changes and added again afterwards, and every amount is a whole number. `rebuild`
derives the same sums from the rows; the tests hold the two against each other.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from sqlalchemy import (
    Row,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    delete,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from backend.core.records import CallOutcome
from backend.core.speech import HeardKind
from backend.db import models, searching, unanswered
from backend.db.latency import PARTS, slot
from backend.db.unanswered import Asked

CONFIDENCE_STEPS = 20

_DAYS, _HOURS, _INTENTS, _LATENCY, _MONTHS, _CONFIDENCE = _TABLES = tuple(
    models.Base.metadata.tables[model.__tablename__]
    for model in (
        models.DailyAnalytics,
        models.HourlyCalls,
        models.DailyIntent,
        models.DailyLatency,
        models.MonthlyLatency,
        models.DailyConfidence,
    )
)
_TIMINGS = tuple(getattr(models.Turn, f"{part}_s") for part in PARTS)
_SAID = (
    select(
        models.Turn.call_id,
        models.Turn.number,
        models.Turn.who,
        models.Turn.at,
        models.Turn.kind,
        models.Turn.text,
        models.Turn.digits,
        models.Turn.confidence,
        models.Turn.source,
        *_TIMINGS,
    )
    .where(models.Turn.call_id.in_(bindparam("ids", expanding=True)))
    .order_by(models.Turn.call_id, models.Turn.seq)
)
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class _Statements:
    """Put together once for each table: that takes longer than the database does."""

    keys: list[str]
    amounts: list[str]
    known: Select[Any]
    more: Update


def _statements_for(table: Table) -> _Statements:
    keys = table.primary_key.columns
    amounts = [column for column in table.columns if not column.primary_key]
    known = select(*keys).where(tuple_(*keys).in_(bindparam("wanted", expanding=True)))
    here = and_(*(column == bindparam(f"to_{column.name}") for column in keys))
    more = {column.name: column + bindparam(f"by_{column.name}") for column in amounts}
    return _Statements(
        [column.name for column in keys],
        [column.name for column in amounts],
        known,
        update(table).where(here).values(more),
    )


_STATEMENTS = {table: _statements_for(table) for table in _TABLES}

Timings = tuple[float | None, ...]
"""One answer's seconds, in the order of `latency.PARTS`."""


@dataclass(slots=True)
class Said:
    """What the turns of one call add to the sums, and to what it is found by."""

    timings: list[Timings] = field(default_factory=list)
    """Of every answer the bot gave."""
    confidences: list[float] = field(default_factory=list)
    """The recogniser's, of every time the caller spoke."""
    unanswered: list[Asked] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    _asked: dict[int, Asked] = field(default_factory=dict)

    def add(self, turn: Row[*tuple[Any, ...]]) -> None:
        """One turn; turns come in order."""
        self.texts += [text for text in (turn.text, turn.digits) if text]
        if turn.who is models.Who.BOT:
            self.timings.append(tuple(turn[-len(PARTS) :]))
            if unanswered.is_admission(turn.source) and (one := self._asked.pop(turn.number, None)):
                self.unanswered.append(one)
        elif turn.kind == HeardKind.WORDS:
            self._asked[turn.number] = Asked(turn.text, turn.at, turn.call_id)
            if turn.confidence is not None:
                self.confidences.append(turn.confidence)


class Tally:
    """Collects what to add to the daily sums, and adds it."""

    def __init__(self, zone: tzinfo = UTC) -> None:
        self._zone = zone
        """Whose days: the day a call or a ticket belongs to is the date on the wall there."""
        self._sums: dict[Table, defaultdict[tuple[Any, ...], Counter[str]]] = {
            table: defaultdict(Counter) for table in _TABLES
        }
        self._asked: list[tuple[Asked, int]] = []

    def add_call(self, call: models.Call, said: Said) -> None:
        """Add a closed call."""
        started_at = call.started_at.astimezone(self._zone)
        call.counted_on, call.counted_hour = started_at.date(), started_at.hour
        self._sum_up(call, call.counted_on, said, 1)

    def take_back(self, call: models.Call, said: Said) -> None:
        """Undo `add_call`, while the call and its turns are still as they were."""
        if call.counted_on is not None:
            self._sum_up(call, call.counted_on, said, -1)
            call.counted_on = call.counted_hour = None

    def _sum_up(self, call: models.Call, day: date, said: Said, sign: int) -> None:
        contained = sign * bool(call.contained)
        call_sums = {
            "calls": sign,
            "contained": contained,
            "duration_ms": sign * round(call.duration_s * 1000),
        }
        self._sums[_INTENTS][day, call.intent].update(call_sums)
        self._sums[_HOURS][day, call.counted_hour or 0].update(calls=sign, contained=contained)
        self._sums[_DAYS][(day,)].update(
            call_sums,
            transferred=sign * (call.outcome is CallOutcome.TRANSFERRED),
            turns=sign * call.turn_count,
        )
        month = day.replace(day=1)
        for row in said.timings:
            for part, seconds in zip(PARTS, row, strict=True):
                if seconds is not None:
                    self._sums[_LATENCY][day, slot(part, seconds)]["turns"] += sign
                    self._sums[_MONTHS][month, slot(part, seconds)]["turns"] += sign
        for confidence in said.confidences:
            self._sums[_CONFIDENCE][day, confidence_step(confidence)]["turns"] += sign
        self._asked += [(one, sign) for one in said.unanswered]

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
        unanswered.add(session, self._asked)
        self._asked.clear()

    def _day(self, at: datetime) -> date:
        return at.astimezone(self._zone).date()


def _add(session: Session, table: Table, sums: dict[tuple[Any, ...], Counter[str]]) -> None:
    statements = _STATEMENTS[table]
    connection = session.connection()
    known = {tuple(row) for row in connection.execute(statements.known, {"wanted": list(sums)})}
    old: list[dict[str, Any]] = []
    new: list[dict[str, Any]] = []
    for key, counter in sums.items():
        row = {f"to_{name}": value for name, value in zip(statements.keys, key, strict=True)}
        row |= {f"by_{name}": counter[name] for name in statements.amounts}
        (old if key in known else new).append(row)
    if old:
        connection.execute(statements.more, old)
    if new:
        rows = [{name[3:]: value for name, value in row.items()} for row in new]
        connection.execute(insert(table), rows)


def confidence_step(confidence: float) -> int:
    """Which of the steps from 0 to 1 a confidence is in."""
    return min(max(int(confidence * CONFIDENCE_STEPS), 0), CONFIDENCE_STEPS - 1)


def what_was_said(session: Session, call_ids: Sequence[str]) -> defaultdict[str, Said]:
    """The turns of some calls, by call."""
    said: defaultdict[str, Said] = defaultdict(Said)
    if not call_ids:
        return said
    for turn in session.execute(_SAID, {"ids": list(call_ids)}):
        said[turn.call_id].add(turn)
    return said


def is_behind(session: Session) -> bool:
    """Whether calls were counted by a version of Frontdesk that kept fewer sums."""
    oldest = (
        select(models.Call.counted_hour)
        .where(models.Call.counted_on.is_not(None))
        .order_by(models.Call.started_at, models.Call.id)
        .limit(1)
    )
    row = session.execute(oldest).one_or_none()
    return row is not None and row[0] is None


def rebuild(session: Session, zone: tzinfo = UTC) -> None:
    """Derive all sums and the full-text index anew: after a change of zone, or rows added by other
    means."""
    for table in _TABLES:
        session.execute(delete(table))
    unanswered.forget_counts(session)
    tally = Tally(zone)
    last = ""
    while calls := _next_closed(session, last):
        said = what_was_said(session, [call.id for call in calls])
        for call in calls:
            tally.add_call(call, said[call.id])
        searching.index(session, [(call, said[call.id].texts) for call in calls])
        last = calls[-1].id
        session.flush()
        session.expunge_all()
    for opened_at in session.scalars(select(models.Ticket.created_at)):
        tally.add_ticket(opened_at)
    tally.write(session)


def _next_closed(session: Session, after: str) -> Sequence[models.Call]:
    query = select(models.Call).where(models.Call.id > after, models.Call.ended_at.is_not(None))
    return session.scalars(query.order_by(models.Call.id).limit(_AT_ONCE)).all()
