"""A day and a time of day as callers give them, and how they are said back."""

from dataclasses import dataclass
from datetime import date, datetime, time

MORNING = (time(8), time(12))
AFTERNOON = (time(12), time(17))
EVENING = (time(17), time(21))
NIGHT = (time(21), time(23, 59))
LUNCH = (time(12), time(13))
AFTER_LUNCH = (time(13), time(15))
FIRST_THING = (time(8), time(9))
LATE_MORNING = (time(10), time(12))
LATE_AFTERNOON = (time(15), time(17))
_PARTS = {
    MORNING: "in the morning",
    AFTERNOON: "in the afternoon",
    EVENING: "in the evening",
    NIGHT: "at night",
    LUNCH: "at lunch time",
    AFTER_LUNCH: "after lunch",
    FIRST_THING: "first thing in the morning",
}


@dataclass(frozen=True, slots=True)
class When:
    """A moment, a window of one day, a day, or several days; all None: any time at all.

    Times are local to whoever asked. `start == end` is a moment; an open window has one of them.
    `str()`: `2026-11-24 15:30`, `2026-11-24 17:00-`, `2026-11-23..2026-11-29`, `any`.
    """

    day: date | None = None
    last_day: date | None = None
    """For several days: the last one."""
    start: time | None = None
    end: time | None = None

    def __str__(self) -> str:
        days = str(self.day or "")
        if self.last_day:
            days += f"..{self.last_day}"
        start, end = (f"{t:%H:%M}" if t else "" for t in (self.start, self.end))
        clock = start if start == end else f"{start}-{end}"
        return " ".join(filter(None, (days, clock))) or "any"

    @property
    def spoken(self) -> str:
        """ "Tuesday, November 24 at 3:30 PM"."""
        days = spoken_day(self.day) if self.day else ""
        if self.day and self.last_day:
            days = f"between {days} and {spoken_day(self.last_day)}"
        return " ".join(filter(None, (days, self._clock()))) or "any time"

    @property
    def adverbial(self) -> str:
        """As the end of a sentence: "on Tuesday, November 24 at 3:30 PM"; any time: empty."""
        if self == When():
            return ""
        return f"on {self.spoken}" if self.day and not self.last_day else self.spoken

    def _clock(self) -> str:
        if self.start and self.end:
            if self.start == self.end:
                return f"at {spoken_time(self.start)}"
            window = f"between {spoken_time(self.start)} and {spoken_time(self.end)}"
            return _PARTS.get((self.start, self.end), window)
        if self.start:
            return f"after {spoken_time(self.start)}"
        return f"before {spoken_time(self.end)}" if self.end else ""


def moment(at: datetime) -> When:
    """One point in time, to the minute."""
    clock = at.time().replace(second=0, microsecond=0, tzinfo=None)
    return When(at.date(), None, clock, clock)


def spoken_day(day: date) -> str:
    """`Tuesday, November 24`."""
    return f"{day:%A}, {day:%B} {day.day}"


def spoken_time(clock: time) -> str:
    """`3:30 PM`, `3 PM`, `noon`."""
    if clock == time(12):
        return "noon"
    if clock == time(0):
        return "midnight"
    hour = clock.hour % 12 or 12
    minutes = f":{clock.minute:02d}" if clock.minute else ""
    return f"{hour}{minutes} {'AM' if clock.hour < 12 else 'PM'}"
