"""Dates, years and weekdays."""

import datetime
import re

from backend.tts.speakable.numerals import ordinal, year

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_MONTH_NUMBERS = {name[:3].lower(): index for index, name in enumerate(_MONTHS, 1)}
_MONTH = (
    r"(Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?"
    r"|Sept?(?:ember)?|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b\.?"
)
_DAYS = {
    "mon": "Monday", "tue": "Tuesday", "tues": "Tuesday", "wed": "Wednesday", "thu": "Thursday",
    "thur": "Thursday", "thurs": "Thursday", "fri": "Friday", "sat": "Saturday", "sun": "Sunday",
}  # fmt: skip
_DAY = r"(Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun)"
_YEAR = r"((?:19|20)\d{2})"
_NOT_INSIDE = r"(?![\d/]|[.,-]\d|:\d)"

_ISO = re.compile(
    rf"(?<![\d-]){_YEAR}-(\d{{2}})-(\d{{2}})"
    r"(?:[T ](\d{2}:\d{2})(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?(?![\d-])"
)
_SLASHED = re.compile(rf"(?<![\d/])(\d{{1,2}})/(\d{{1,2}})/(\d{{4}}|\d{{2}}){_NOT_INSIDE}")
_DOTTED = re.compile(rf"(?<![\d.])(\d{{1,2}})([.-])(\d{{1,2}})\2{_YEAR}{_NOT_INSIDE}")
_MONTH_FIRST = re.compile(
    rf"\b{_MONTH}\s+(\d{{1,2}})(?:st|nd|rd|th)?\b(?!:|[.,]\d)(?:,?\s+{_YEAR}\b)?"
)
_DAY_FIRST = re.compile(
    rf"\b(the\s+)?(\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR}\b)?"
)
_MONTH_YEAR = re.compile(rf"\b{_MONTH},?\s+(?:of\s+)?{_YEAR}\b(?![.,]\d)")
_YEARS = re.compile(rf"(?<![\d.,-]){_YEAR}\s?-\s?{_YEAR}(?![\d,-]|\.\d)")
_DECADE = re.compile(r"(?:(?<![\d'])'(?=\d0s)|(?<=\bthe )|\b(?=\d{4}))((?:19|20)?\d0)'?s\b")
_IN_YEAR = re.compile(
    rf"\b(in|since|until|till|year|before|after|during|through|by|from|of)\s+{_YEAR}\b"
    r"(?=\s*(?:[.,;:!?)](?!\d)|$)|\s+(?:and|or|to|but|was|is|we|you|it|the|our|on)\b)",
    re.IGNORECASE,
)
_DAY_RANGE = re.compile(rf"\b{_DAY}\.?\s?(?:-|to)\s?{_DAY}\b(?:\.(?=\s))?")
_SHORT_DAY = re.compile(rf"\b{_DAY}(?:\.(?=\s+\S)|,(?=\s+[A-Z0-9]))")


def with_dates_spoken(text: str) -> str:
    """ISO, `5/3/2026` (month first where that can be), `3.5.2026`, `May 3rd`, `3 May 2026`,
    years after `in`, `since` and the like, decades, `Mon-Fri`. What is no real date stays."""
    text = _DAY_RANGE.sub(lambda match: f"{_day(match[1])} to {_day(match[2])}", text)
    text = _SHORT_DAY.sub(lambda match: f"{_day(match[1])},", text)
    if not any(char.isdigit() for char in text):
        return text
    text = _ISO.sub(_iso, text)
    text = _SLASHED.sub(_slashed, text)
    text = _DOTTED.sub(lambda match: _date(match[4], match[3], match[1]) or match[0], text)
    text = _MONTH_FIRST.sub(_month_first, text)
    text = _DAY_FIRST.sub(_day_first, text)
    text = _MONTH_YEAR.sub(lambda match: f"{_month(match[1])} {year(int(match[2]))}", text)
    text = _YEARS.sub(lambda match: f"{year(int(match[1]))} to {year(int(match[2]))}", text)
    text = _DECADE.sub(_decade, text)
    return _IN_YEAR.sub(lambda match: f"{match[1]} {year(int(match[2]))}", text)


def _date(year_text: str, month: str, day: str) -> str | None:
    """`May third, twenty twenty-six`; None when there is no such day."""
    value = int(year_text) + (2000 if len(year_text) == 2 else 0)
    try:
        date = datetime.date(value, int(month), int(day))
    except ValueError:
        return None
    return f"{_MONTHS[date.month - 1]} {ordinal(date.day)}, {year(date.year)}"


def _iso(match: re.Match[str]) -> str:
    date = _date(match[1], match[2], match[3])
    if date is None:
        return match[0]
    return f"{date}, at {match[4]}" if match[4] else date


def _slashed(match: re.Match[str]) -> str:
    first, second, year_text = match[1], match[2], match[3]
    return _date(year_text, first, second) or _date(year_text, second, first) or match[0]


def _month_first(match: re.Match[str]) -> str:
    if not 1 <= int(match[2]) <= 31:
        return match[0]
    spoken = f"{_month(match[1])} {ordinal(int(match[2]))}"
    return f"{spoken}, {year(int(match[3]))}" if match[3] else spoken


def _day_first(match: re.Match[str]) -> str:
    if not 1 <= int(match[2]) <= 31:
        return match[0]
    spoken = f"{match[1] or 'the '}{ordinal(int(match[2]))} of {_month(match[3])}"
    return f"{spoken}, {year(int(match[4]))}" if match[4] else spoken


def _decade(match: re.Match[str]) -> str:
    digits = match[1]
    words = year(int(digits)) if len(digits) == 4 else year(1900 + int(digits)).split()[-1]
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


def _month(name: str) -> str:
    return _MONTHS[_MONTH_NUMBERS[name[:3].lower()] - 1]


def _day(name: str) -> str:
    return _DAYS[name.lower()]
