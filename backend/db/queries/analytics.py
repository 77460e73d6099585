"""Numbers over ranges of days, from the daily sums: as quick for a year as for a day.

They cover calls that have ended and started on one of the days, first and last included; days are
those of the zone the store was opened with.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from backend.db.errors import InvalidError
from backend.db.latency import PARTS, part_and_bucket, percentile_s
from backend.db.models import DailyAnalytics, DailyIntent
from backend.db.queries.trends import slot_counts

MOST_DAYS = 3700


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over some days."""

    calls: int
    contained: int
    """Calls that ended without a human."""
    transferred: int
    turns: int
    """Answers of the bot."""
    tickets: int
    """Tickets opened, by calls or by people."""
    duration_s: float

    @property
    def containment(self) -> float | None:
        """Share of calls that ended without a human, 0–1; None without calls."""
        return self.contained / self.calls if self.calls else None

    @property
    def average_duration_s(self) -> float | None:
        """None without calls."""
        return self.duration_s / self.calls if self.calls else None


@dataclass(frozen=True, slots=True)
class Day:
    """One day's sums."""

    day: date
    totals: Totals


@dataclass(frozen=True, slots=True)
class IntentShare:
    """What some calls were about."""

    intent: str
    """Empty: it did not become clear."""
    calls: int
    contained: int
    average_duration_s: float


@dataclass(frozen=True, slots=True)
class LatencySummary:
    """How long one part of the turns took; percentiles within `latency.ACCURACY`."""

    part: str
    """One of `latency.PARTS`."""
    turns: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    max_s: float | None


def totals(session: Session, first: date, last: date) -> Totals:
    """Sums over the days from `first` to `last`."""
    columns = (
        DailyAnalytics.calls,
        DailyAnalytics.contained,
        DailyAnalytics.transferred,
        DailyAnalytics.turns,
        DailyAnalytics.tickets,
        DailyAnalytics.duration_ms,
    )
    row = session.execute(
        select(*(func.coalesce(func.sum(column), 0) for column in columns)).where(
            DailyAnalytics.day.between(first, last)
        )
    ).one()
    calls, contained, transferred, turns, tickets, duration_ms = (int(value) for value in row)
    return Totals(calls, contained, transferred, turns, tickets, duration_ms / 1000)


def daily(session: Session, first: date, last: date) -> list[Day]:
    """Every day from `first` to `last`, those without calls included.

    Raises InvalidError for a range of more than `MOST_DAYS`.
    """
    if (last - first).days >= MOST_DAYS:
        raise InvalidError(f"At most {MOST_DAYS} days at a time.")
    rows = session.scalars(select(DailyAnalytics).where(DailyAnalytics.day.between(first, last)))
    found = {
        row.day: Totals(
            calls=row.calls,
            contained=row.contained,
            transferred=row.transferred,
            turns=row.turns,
            tickets=row.tickets,
            duration_s=row.duration_ms / 1000,
        )
        for row in rows
    }
    nothing = Totals(0, 0, 0, 0, 0, 0.0)
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [Day(day, found.get(day, nothing)) for day in days]


def intents(session: Session, first: date, last: date) -> list[IntentShare]:
    """What the calls were about, the most frequent first."""
    calls = func.sum(DailyIntent.calls)
    rows = session.execute(
        select(
            DailyIntent.intent,
            calls,
            func.sum(DailyIntent.contained),
            func.sum(DailyIntent.duration_ms),
        )
        .where(DailyIntent.day.between(first, last))
        .group_by(DailyIntent.intent)
        .having(calls > 0)
        .order_by(calls.desc(), DailyIntent.intent)
    )
    return [
        IntentShare(intent, int(count), int(contained), int(duration_ms) / 1000 / int(count))
        for intent, count, contained, duration_ms in rows
    ]


def latency(session: Session, first: date, last: date) -> list[LatencySummary]:
    """Percentiles of every part of a turn, in the order of `latency.PARTS`."""
    counts: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for slot, turns in slot_counts(session, first, last).items():
        if turns > 0:
            part, bucket = part_and_bucket(slot)
            counts[part][bucket] = turns
    return [
        LatencySummary(
            part,
            sum(counts[part].values()),
            *(percentile_s(counts[part], fraction) for fraction in (0.5, 0.95, 0.99, 1.0)),
        )
        for part in PARTS
    ]
