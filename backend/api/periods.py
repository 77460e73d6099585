"""Stretches of calendar that analytics are about. Pure: today is passed in."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

RECENT_DAYS = 30


class PeriodKind(StrEnum):
    """How long a period is."""

    RECENT = "recent"
    """The last 30 days."""
    DAY = "day"
    WEEK = "week"
    """From Monday."""
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Period:
    """From `first` to `last`, both included."""

    kind: PeriodKind
    first: date
    last: date

    @property
    def name(self) -> str:
        """For people."""
        first, last = self.first, self.last
        match self.kind:
            case PeriodKind.DAY:
                return f"{first:%A, %-d %B %Y}"
            case PeriodKind.MONTH:
                return f"{first:%B %Y}"
            case PeriodKind.YEAR:
                return f"{first:%Y}"
            case _:
                return f"{first:%-d %b %Y} – {last:%-d %b %Y}"

    @property
    def before(self) -> "Period":
        """The one that ends the day before; as long, as far as the calendar allows."""
        return period_of(self.kind, self.first - timedelta(days=1))

    @property
    def after(self) -> "Period":
        """The one that begins the day after."""
        days = RECENT_DAYS if self.kind is PeriodKind.RECENT else 1
        return period_of(self.kind, self.last + timedelta(days=days))


def period_of(kind: PeriodKind, on: date) -> Period:
    """The period with the day `on` in it; `RECENT` ends on it."""
    match kind:
        case PeriodKind.DAY:
            return Period(kind, on, on)
        case PeriodKind.WEEK:
            monday = on - timedelta(days=on.weekday())
            return Period(kind, monday, monday + timedelta(days=6))
        case PeriodKind.MONTH:
            first = on.replace(day=1)
            return Period(kind, first, _next_month(first) - timedelta(days=1))
        case PeriodKind.YEAR:
            return Period(kind, date(on.year, 1, 1), date(on.year, 12, 31))
        case PeriodKind.RECENT:
            return Period(kind, on - timedelta(days=RECENT_DAYS - 1), on)


def _next_month(first: date) -> date:
    return (first + timedelta(days=32)).replace(day=1)
