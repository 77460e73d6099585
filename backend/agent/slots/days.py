"""Days in words: "next tuesday", "the third of december", "a week from tomorrow", "12/1".

No library is used: on spoken phrases like these dateparser, recurrent and parsedatetime each got
at most 6 of 16 right, and took "second", "may" and "march" for dates in sentences without one.
"""

import calendar
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from backend.agent.slots.cardinals import TENS, below_hundred, ordinal
from backend.agent.slots.slot import CERTAIN, GUESSED, LIKELY
from backend.agent.slots.spoken import is_number, phrase_at, phrases

WEEKDAYS: Mapping[str, int] = {
    name.lower(): number for number, name in enumerate(calendar.day_name)
}
_SHORT_DAYS: Mapping[str, int] = {
    "mon": 0, "tue": 1, "tues": 1, "wed": 2, "weds": 2, "thu": 3, "thur": 3, "thurs": 3, "fri": 4,
    "sat": 5, "sun": 6,
}  # fmt: skip
_WORDS_TOO = frozenset({"sat", "sun", "wed", "mon"})
"""Short days that mean something else unless "on" or "next" stands before them."""
_MONTHS: Mapping[str, int] = {
    name.lower(): number for number, name in enumerate(calendar.month_name) if name
}
_SHORT_MONTHS: Mapping[str, int] = {
    "jan": 1, "feb": 2, "apr": 4, "aug": 8, "sep": 9, "sept": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_UNITS: Mapping[str, str] = {
    "day": "day", "days": "day", "week": "week", "weeks": "week", "month": "month",
    "months": "month", "fortnight": "fortnight", "year": "year", "years": "year",
}  # fmt: skip
_AFTER_A_DAY = frozenset(
    [
        "", "at", "around", "about", "after", "before", "between", "by", "from", "in", "of",
        "please", "would", "is", "works", "or", "and", "thanks", "thank", "if", "then", "maybe",
        "no", "sorry", "i", "between", "morning", "afternoon", "evening", "noon", "until", "will",
        "actually", "would", "half", "quarter", "that", "any", "some", "sometime", ".",
    ]
)  # fmt: skip
"""What may follow "the third" if it is a day and not the third of something."""


@dataclass(frozen=True, slots=True)
class Days:
    """A day, or all days up to `last`; `end` is the position after the words."""

    first: date
    end: int
    last: date | None = None
    confidence: float = CERTAIN
    vague: bool = False
    """A weekday: a date said beside it tells more."""


def days_at(words: Sequence[str], at: int, today: date) -> Days | None:
    """The day that is said from position `at` on; a day without a year is the next one."""
    for reading in _READINGS:
        try:
            found = reading(words, at, today)
        except (ValueError, OverflowError):
            # There is no such day: the thirtieth of February, a million weeks from now.
            continue
        if found:
            return found
    return None


_HOLIDAYS: Mapping[tuple[str, ...], tuple[int, int]] = {
    ("christmas", "eve"): (12, 24), ("christmas", "day"): (12, 25), ("boxing", "day"): (12, 26),
    ("new", "year's", "eve"): (12, 31), ("new", "year's", "day"): (1, 1),
    ("new", "years", "eve"): (12, 31), ("new", "years", "day"): (1, 1),
    ("valentine's", "day"): (2, 14), ("on", "christmas"): (12, 25),
}  # fmt: skip
"""Those that fall on the same date every year."""


def _holiday(words: Sequence[str], at: int, today: date) -> Days | None:
    length = phrase_at(words, at, _HOLIDAYS)
    if not length:
        return None
    return _dated(words, at + length, *_HOLIDAYS[tuple(words[at : at + length])], today)


def _relative(words: Sequence[str], at: int, today: date) -> Days | None:
    for phrase, shift in _NAMED_DAYS.items():
        length = phrase_at(words, at, [phrase])
        if length:
            return Days(today + timedelta(shift), at + length)
    return None


_NAMED_DAYS = {
    ("the", "day", "after", "tomorrow"): 2, ("day", "after", "tomorrow"): 2,
    ("the", "day", "before", "yesterday"): -2, ("day", "before", "yesterday"): -2,
    ("tomorrow",): 1, ("tomorrow's",): 1, ("tmrw",): 1, ("today",): 0,
    ("yesterday",): -1,
}  # fmt: skip
_STAY = phrases("tonight; this morning; this afternoon; this evening")
"""These are a time of day as well: the day takes no words away from it."""


def _today_in_part(words: Sequence[str], at: int, today: date) -> Days | None:
    """ "This afternoon": its last word is left to the clock."""
    length = phrase_at(words, at, _STAY)
    return Days(today, at + length - 1) if length else None


def _weekday(words: Sequence[str], at: int, today: date) -> Days | None:
    """ "Tuesday", "next tuesday", "last tuesday", "tuesday week", "tuesday of next week"."""
    which = _word(words, at) if _word(words, at) in _WHICH else ""
    position = at + bool(which)
    if which == "the" or (which and _word(words, position) in ("coming", "following")):
        position += _word(words, position) in ("coming", "following", "next")
        which = "next" if words[position - 1] == "next" else "coming"
    number = _day_number(words, position)
    if number is None:
        return None
    ahead = (number - today.weekday()) % 7
    rest = tuple(words[position + 1 : position + 4])
    monday = today - timedelta(today.weekday())
    if rest == ("of", "next", "week") or rest[:2] == ("next", "week"):
        return Days(monday + timedelta(7 + number), position + (4 if rest[0] == "of" else 3))
    if rest[:2] == ("after", "next"):
        return Days(today + timedelta((ahead or 7) + 7), position + 3)
    if rest[:1] == ("week",):
        return Days(today + timedelta((ahead or 7) + 7), position + 2)
    if which in ("last", "past"):
        return Days(today - timedelta((today.weekday() - number) % 7 or 7), position + 1)
    if which == "next":
        # Some mean the coming one while there still is one this week.
        sure = CERTAIN if number <= today.weekday() else LIKELY
        return Days(monday + timedelta(7 + number), position + 1, confidence=sure)
    sure = CERTAIN if ahead else LIKELY
    return Days(today + timedelta(ahead or 7), position + 1, confidence=sure, vague=True)


_WHICH = frozenset({"next", "this", "last", "past", "coming", "the"})


def _day_number(words: Sequence[str], at: int) -> int | None:
    word = _word(words, at).removesuffix("'s")
    if word in WEEKDAYS:
        return WEEKDAYS[word]
    if word.endswith("s") and word[:-1] in WEEKDAYS:
        return WEEKDAYS[word[:-1]]
    introduced = at > 0 and words[at - 1] in ("on", "next", "this", "last", "by", "until")
    if word in _WORDS_TOO and not introduced:
        return None
    return _SHORT_DAYS.get(word)


def _counted(words: Sequence[str], at: int, today: date) -> Days | None:
    """ "In three days", "three days from now", "a week from tuesday", "two weeks ago"."""
    position = at + (_word(words, at) in ("in", "within"))
    count = _count(words, position)
    if count is None:
        return None
    number, position = count
    unit = _UNITS.get(_word(words, position))
    if unit is None:
        return None
    position += 1
    if _word(words, position) == "ago":
        return Days(_shifted(today, -number, unit), position + 1)
    introduced = words[at] in ("in", "within")
    if unit == "week" and _word(words, position) in ("today", "tomorrow"):
        begins = today + timedelta(_word(words, position) == "tomorrow")
        return Days(_shifted(begins, number, unit), position + 1)
    if introduced and _word(words, position) == "on":
        # "In two weeks on Monday": the Monday of that week.
        day = _day_number(words, position + 1)
        if day is not None:
            then = _shifted(today, number, unit)
            return Days(then + timedelta(day - then.weekday()), position + 2)
    if _word(words, position) in ("from", "on", "after"):
        if _word(words, position + 1) in ("now", "today"):
            return Days(_shifted(today, number, unit), position + 2)
        base = _relative(words, position + 1, today) or _weekday(words, position + 1, today)
        return Days(_shifted(base.first, number, unit), base.end) if base else None
    return Days(_shifted(today, number, unit), position) if introduced else None


def _count(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """ "A", "two", "a couple of", "another"."""
    if tuple(words[at : at + 2]) == ("a", "couple"):
        return 2, at + 2 + (_word(words, at + 2) == "of")
    if _word(words, at) in ("a", "one", "another"):
        return 1, at + 1
    number = below_hundred(words, at)
    return (number.value, number.end) if number else None


def _shifted(day: date, number: int, unit: str) -> date:
    if unit == "day":
        return day + timedelta(number)
    if unit == "week":
        return day + timedelta(weeks=number)
    if unit == "fortnight":
        return day + timedelta(weeks=2 * number)
    return _months_later(day, number * (12 if unit == "year" else 1))


def _months_later(day: date, months: int) -> date:
    """The same day of another month, or its last one."""
    month = day.year * 12 + day.month - 1 + months
    year, month = divmod(month, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def _named_date(words: Sequence[str], at: int, today: date) -> Days | None:
    """ "December first", "the third of december twenty twenty seven"."""
    month = _month(words, at)
    if month:
        position = at + 1 + (_word(words, at + 1) == "the")
        day = ordinal(words, position) or below_hundred(words, position)
        if day is None or not 1 <= day.value <= 31 or _word(words, day.end) in (":", "percent"):
            return None
        return _dated(words, day.end, month, day.value, today)
    position = at + (_word(words, at) == "the")
    if _word(words, at - 1) in TENS:
        return None
    day = ordinal(words, position)
    figures = below_hundred(words, position) if is_number(_word(words, position)) else None
    day = day or figures
    if day is None:
        return None
    month_at = day.end + (_word(words, day.end) == "of")
    month = _month(words, month_at)
    return _dated(words, month_at + 1, month, day.value, today) if month else None


def _month(words: Sequence[str], at: int) -> int:
    word = _word(words, at)
    return _MONTHS.get(word) or _SHORT_MONTHS.get(word, 0)


def _dated(words: Sequence[str], end: int, month: int, day: int, today: date) -> Days:
    year = _year(words, end)
    if year:
        return Days(date(year[0], month, day), year[1])
    this_year = date(today.year, month, day) if (month, day) != (2, 29) else None
    if this_year and this_year >= today:
        return Days(this_year, end)
    return Days(date(today.year + 1, month, day), end)


def _year(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """ "2027", "twenty twenty seven", "two thousand and twenty seven"."""
    word = _word(words, at)
    if is_number(word) and len(word) == 4 and word[:2] in ("19", "20"):
        return int(word), at + 1
    if tuple(words[at : at + 2]) == ("two", "thousand"):
        small = below_hundred(words, at + 2 + (_word(words, at + 2) == "and"))
        return (2000 + small.value, small.end) if small else None
    small = below_hundred(words, at + 1)
    if word == "twenty" and small and small.value >= 10:
        return 2000 + small.value, small.end
    return None


def _day_of_month(words: Sequence[str], at: int, today: date) -> Days | None:
    """ "The twenty first", "the first of next month"."""
    if _word(words, at) != "the" and _word(words, at - 1) != "on":
        return None
    day = ordinal(words, at + (_word(words, at) == "the"))
    if day is None or not 1 <= day.value <= 31:
        return None
    rest = tuple(words[day.end : day.end + 3])
    if rest in (("of", "next", "month"), ("of", "the", "month"), ("of", "this", "month")):
        base = _months_later(today.replace(day=1), 1) if rest[1] == "next" else today
        found = base.replace(day=day.value)
        if found < today:
            found = _months_later(found, 1)
        return Days(found, day.end + 3)
    if rest[:1] and (rest[0] not in _AFTER_A_DAY or rest[0] == "of"):
        return None
    month = today.replace(day=1)
    for _ in range(3):
        fits = day.value <= calendar.monthrange(month.year, month.month)[1]
        if fits and month.replace(day=day.value) >= today:
            return Days(month.replace(day=day.value), day.end, confidence=LIKELY)
        month = _months_later(month, 1)
    return None


def _figures(words: Sequence[str], at: int, today: date) -> Days | None:
    """ "12/1", "12/1/2026", "2026-12-01"; month first, unless it cannot be."""
    parts: list[int] = []
    position = at
    mark = _word(words, at + 1)
    if mark not in ("/", "-"):
        return None
    while len(parts) < 3 and is_number(_word(words, position)) and len(words[position]) <= 4:
        parts.append(int(words[position]))
        position += 1
        if _word(words, position) != mark:
            break
        position += 1
    if len(parts) == 3 and parts[0] > 31:
        return Days(date(*parts), position)
    if len(parts) < 2 or (len(parts) == 2 and mark == "-"):
        return None
    month, day = (parts[1], parts[0]) if parts[0] > 12 else (parts[0], parts[1])
    if len(parts) == 3:
        year = parts[2] + 2000 if parts[2] < 100 else parts[2]
        return Days(date(year, month, day), position, confidence=LIKELY)
    found = date(today.year, month, day)
    found = found if found >= today else date(today.year + 1, month, day)
    return Days(found, position, confidence=LIKELY)


def _spans(words: Sequence[str], at: int, today: date) -> Days | None:
    """ "Next week", "this weekend", "the end of the month", "in december"."""
    start = at + (_word(words, at) in ("the", "in"))
    start += _word(words, start) == "the"
    which, unit = _word(words, start), _word(words, start + 1)
    monday = today - timedelta(today.weekday())
    if tuple(words[start : start + 3]) == ("week", "after", "next"):
        return Days(monday + timedelta(14), start + 3, monday + timedelta(20))
    if tuple(words[start : start + 3]) == ("last", "day", "of"):
        return _end_of(words, start + 3, today, monday)
    if tuple(words[start : start + 2]) == ("end", "of"):
        return _end_of(words, start + 2, today, monday)
    if which == "weekend" and start > at:
        return Days(monday + timedelta(5), start + 1, monday + timedelta(6))
    if which not in ("next", "this") or unit not in ("week", "weekend", "month"):
        return _whole_month(words, at, today)
    later = which == "next"
    if unit == "month":
        first = _months_later(today.replace(day=1), 1) if later else today
        return Days(first, start + 2, _last_of_month(first), GUESSED if later else LIKELY)
    monday += timedelta(7 * later)
    if unit == "weekend":
        return Days(monday + timedelta(5), start + 2, monday + timedelta(6))
    first = monday if later else today
    return Days(first, start + 2, monday + timedelta(6))


def _end_of(words: Sequence[str], at: int, today: date, monday: date) -> Days | None:
    which = _word(words, at)
    unit = _word(words, at + 1)
    if which not in ("the", "this", "next") or unit not in ("week", "month"):
        return None
    if unit == "week":
        friday = monday + timedelta(4 + 7 * (which == "next"))
        return Days(friday, at + 2, confidence=LIKELY)
    base = _months_later(today.replace(day=1), 1) if which == "next" else today
    return Days(_last_of_month(base), at + 2, confidence=LIKELY)


def _whole_month(words: Sequence[str], at: int, today: date) -> Days | None:
    month = _MONTHS.get(_word(words, at + 1)) if _word(words, at) == "in" else None
    if month is None or _word(words, at + 2) not in _AFTER_A_DAY:
        return None
    first = date(today.year + (month < today.month), month, 1)
    return Days(max(first, today), at + 2, _last_of_month(first), LIKELY)


def _last_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _word(words: Sequence[str], at: int) -> str:
    return words[at] if 0 <= at < len(words) else ""


_READINGS: tuple[Callable[[Sequence[str], int, date], Days | None], ...] = (
    _today_in_part,
    _relative,
    _counted,
    _holiday,
    _named_date,
    _figures,
    _weekday,
    _spans,
    _day_of_month,
)
