"""Which calls a list is about, and through which index it is read.

SQLite keeps no counts of how common a value is, and guesses wrong: asked for a customer's completed
calls it may read all completed ones, asked for the longest of last Monday it may read every call by
length. So here a few index entries are counted first, and where a condition leaves only a few
calls, the others are written in a way that no index helps with.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, UnaryExpression, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.operators import custom_op

from backend.core.records import CallOutcome
from backend.db.models import Call

FEW = 5000
"""So many rows are looked at and sorted in ten milliseconds. Of what is more common a page is
found soon enough in any order."""

Column = Callable[[Any], Any]
"""How a condition writes a column."""


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls; what is None does not matter."""

    search: str | None = None
    """Words said in calls that have ended: see `searching.read_terms`."""
    since: datetime | None = None
    until: datetime | None = None
    """Started in [since, until)."""
    intent: str | None = None
    outcome: CallOutcome | None = None
    customer_id: int | None = None
    caller: str | None = None
    """Exactly this caller."""
    line: str | None = None
    min_duration_s: float | None = None
    min_latency_s: float | None = None
    """Had an answer that took at least this long."""
    is_live: bool | None = None


def as_it_is(column: InstrumentedAttribute[Any]) -> InstrumentedAttribute[Any]:
    """A column for which an index may be used."""
    return column


def unindexed(session: Session) -> Column:
    """Writes columns so that on SQLite no index is used (https://sqlite.org/optoverview.html,
    “unary +”); other databases choose well by themselves."""
    if session.get_bind().dialect.name != "sqlite":
        return as_it_is
    return lambda column: UnaryExpression(
        column.expression, operator=custom_op("+"), type_=column.type
    )


def conditions(which: CallFilter, column: Column) -> list[ColumnElement[bool]]:
    """Everything a filter asks for but the search."""
    wanted: list[ColumnElement[bool]] = []
    if which.since is not None:
        wanted.append(column(Call.started_at) >= which.since)
    if which.until is not None:
        wanted.append(column(Call.started_at) < which.until)
    if which.min_duration_s is not None:
        wanted.append(column(Call.duration_s) >= which.min_duration_s)
    if which.min_latency_s is not None:
        wanted.append(column(Call.slowest_turn_s) >= which.min_latency_s)
    if which.is_live is not None:
        ended_at = Call.ended_at
        wanted.append(ended_at.is_(None) if which.is_live else ended_at.is_not(None))
    return wanted + [
        column(getattr(Call, name)) == value
        for name in ("intent", "outcome", "customer_id", "caller", "line")
        if (value := getattr(which, name)) is not None
    ]


def few(session: Session, which: CallFilter) -> list[ColumnElement[bool]]:
    """Those of the conditions that leave the fewest calls, at most `FEW`; else none.

    Only for SQLite: other databases count for themselves.
    """
    if session.get_bind().dialect.name != "sqlite" or which.is_live:
        return []
    best: list[ColumnElement[bool]] = []
    least = FEW + 1
    for group in _groups(which):
        rows = select(literal(1)).select_from(Call).where(*group).limit(least).subquery()
        count = session.scalar(select(func.count()).select_from(rows)) or 0
        if count < least:
            best, least = group, count
    return best


def _groups(which: CallFilter) -> list[list[ColumnElement[bool]]]:
    """Conditions that one index answers, each by itself."""
    parts = (
        CallFilter(customer_id=which.customer_id),
        CallFilter(caller=which.caller),
        CallFilter(line=which.line),
        CallFilter(intent=which.intent, outcome=which.outcome),
        CallFilter(min_latency_s=which.min_latency_s),
        CallFilter(min_duration_s=which.min_duration_s),
        CallFilter(since=which.since, until=which.until),
    )
    groups = [conditions(part, as_it_is) for part in parts]
    return [group for group in groups if group]
