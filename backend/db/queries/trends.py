"""How numbers are spread: over the hours of the day, over time, over how sure the recogniser was.

Ranges as in `analytics`: first and last day included.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from backend.db.counting import CONFIDENCE_STEPS
from backend.db.latency import part_and_bucket, percentile_s, slots_of
from backend.db.models import DailyConfidence, DailyLatency, HourlyCalls, MonthlyLatency

DOUBTFUL = 0.5
"""Below this the recogniser was more likely wrong than right."""


@dataclass(frozen=True, slots=True)
class Hour:
    """Calls that started in one hour of the day."""

    hour: int
    calls: int
    contained: int


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure the recogniser was of what callers said."""

    turns: int
    steps: list[int]
    """Turns in each of `len(steps)` equal steps from 0 to 1."""

    @property
    def median(self) -> float | None:
        """The middle of the step the median is in; None without turns."""
        seen = 0
        for number, turns in enumerate(self.steps):
            seen += turns
            if turns and seen * 2 >= self.turns:
                return (number + 0.5) / len(self.steps)
        return None

    @property
    def doubtful(self) -> float | None:
        """Share of turns below `DOUBTFUL`; None without turns."""
        below = sum(self.steps[: int(DOUBTFUL * len(self.steps))])
        return below / self.turns if self.turns else None


@dataclass(frozen=True, slots=True)
class Answered:
    """How long whole answers took in one stretch of time."""

    first: date
    turns: int
    p50_s: float | None
    p95_s: float | None


def hours(session: Session, first: date, last: date) -> list[Hour]:
    """Every hour of the day, from midnight on."""
    rows = session.execute(
        select(HourlyCalls.hour, func.sum(HourlyCalls.calls), func.sum(HourlyCalls.contained))
        .where(HourlyCalls.day.between(first, last))
        .group_by(HourlyCalls.hour)
    )
    found = {hour: Hour(hour, int(calls), int(contained)) for hour, calls, contained in rows}
    return [found.get(hour, Hour(hour, 0, 0)) for hour in range(24)]


def confidence(session: Session, first: date, last: date) -> Confidence:
    """How sure the recogniser was."""
    rows = session.execute(
        select(DailyConfidence.step, func.sum(DailyConfidence.turns))
        .where(DailyConfidence.day.between(first, last))
        .group_by(DailyConfidence.step)
    )
    steps = [0] * CONFIDENCE_STEPS
    for step, turns in rows:
        steps[step] = int(turns)
    return Confidence(sum(steps), steps)


def slot_counts(session: Session, first: date, last: date) -> dict[int, int]:
    """How many turns are in which slot (see `latency.slot`): whole months from the sums of months,
    the days around them from those of days."""
    first_month = first if first.day == 1 else _next_month(first)
    end_month = (last + timedelta(days=1)).replace(day=1)
    if first_month >= end_month:
        return _counts(session, [_days(first, last)])
    day = timedelta(days=1)
    months = (
        select(MonthlyLatency.slot, func.sum(MonthlyLatency.turns))
        .where(MonthlyLatency.month >= first_month, MonthlyLatency.month < end_month)
        .group_by(MonthlyLatency.slot)
    )
    return _counts(session, [months, _days(first, first_month - day), _days(end_month, last)])


def answered_daily(session: Session, first: date, last: date) -> list[Answered]:
    """Whole answers, day by day; days without any are left out."""
    rows = session.execute(
        select(DailyLatency.day, DailyLatency.slot, DailyLatency.turns).where(
            DailyLatency.day.between(first, last), DailyLatency.slot.between(*slots_of("total"))
        )
    )
    return _answered((row[0], row[1], row[2]) for row in rows)


def answered_monthly(session: Session, first: date, last: date) -> list[Answered]:
    """The same month by month, for months that begin within the range."""
    rows = session.execute(
        select(MonthlyLatency.month, MonthlyLatency.slot, MonthlyLatency.turns).where(
            MonthlyLatency.month.between(first, last),
            MonthlyLatency.slot.between(*slots_of("total")),
        )
    )
    return _answered((row[0], row[1], row[2]) for row in rows)


def _answered(rows: Iterable[tuple[date, int, int]]) -> list[Answered]:
    counts: defaultdict[date, dict[int, int]] = defaultdict(dict)
    for first, slot, turns in rows:
        if turns > 0:
            counts[first][part_and_bucket(slot)[1]] = turns
    return [
        Answered(first, sum(one.values()), percentile_s(one, 0.5), percentile_s(one, 0.95))
        for first, one in sorted(counts.items())
    ]


def _days(first: date, last: date) -> Select[int, int]:
    return (
        select(DailyLatency.slot, func.sum(DailyLatency.turns))
        .where(DailyLatency.day.between(first, last))
        .group_by(DailyLatency.slot)
    )


def _counts(session: Session, queries: Sequence[Select[int, int]]) -> dict[int, int]:
    counts: defaultdict[int, int] = defaultdict(int)
    for query in queries:
        for slot, turns in session.execute(query):
            counts[slot] += int(turns)
    return counts


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)
