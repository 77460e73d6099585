"""Times of day in words: "half past three", "quarter to five p m", "between two and four"."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time

from backend.agent.slots.cardinals import UNITS, below_hundred
from backend.agent.slots.slot import CERTAIN, GUESSED, LIKELY
from backend.agent.slots.spoken import is_number, phrase_at, phrases
from backend.agent.slots.when import (
    AFTER_LUNCH,
    AFTERNOON,
    EVENING,
    FIRST_THING,
    LATE_AFTERNOON,
    LATE_MORNING,
    LUNCH,
    MORNING,
    NIGHT,
)

_EARLY_HOUR = 8
"""Hours before this, without "am" or "pm", are in the afternoon: that is when offices are open."""
_SOUNDS_LIKE: Mapping[str, int] = {"to": 2, "too": 2, "for": 4, "ate": 8, "won": 1, "tree": 3}
_AM = phrases("am; a m; in the morning; this morning; tomorrow morning; a.m; morning")
_PM = phrases(
    "pm; p m; in the afternoon; this afternoon; afternoon; in the evening; this evening; evening;"
    " tonight; at night; p.m; in the night"
)
_PARTS: Mapping[tuple[str, ...], tuple[time, time]] = {
    phrase: window
    for names, window in (
        ("first thing in the morning; first thing; early in the morning; early morning",
         FIRST_THING),
        ("late morning; late in the morning", LATE_MORNING),
        ("in the morning; morning; mornings; this morning; the morning", MORNING),
        ("late afternoon; late in the afternoon; end of the day; the end of the day; end of day",
         LATE_AFTERNOON),
        ("in the afternoon; afternoon; afternoons; this afternoon; the afternoon", AFTERNOON),
        ("in the evening; evening; evenings; this evening; the evening; tonight; after work",
         EVENING),
        ("at night; late at night", NIGHT),
        ("after lunch; right after lunch", AFTER_LUNCH),
        ("lunch time; lunchtime; at lunch; over lunch; lunch", LUNCH),
    )
    for phrase in phrases(names)
}  # fmt: skip
_BARE_PARTS = frozenset({("morning",), ("lunch",), ("evening",)})
"""Greetings and meals as much as times of day: only beside a day or as a whole answer."""
_NOON: Mapping[tuple[str, ...], time] = {
    ("twelve", "noon"): time(12), ("12", "noon"): time(12), ("noon",): time(12),
    ("midday",): time(12), ("mid", "day"): time(12), ("twelve", "midnight"): time(0),
    ("midnight",): time(0),
}  # fmt: skip
_AT = frozenset({"at", "around", "about", "by", "after", "before", "until", "till", "from", "past"})
_FOLLOWS = frozenset(
    [
        "", "on", "please", "tomorrow", "today", "next", "this", "would", "is", "works", "or",
        "and", "in", "thanks", "thank", "if", "then", "sharp", "ish", "onwards", "if", "no",
        "sorry", "actually", "wait", "i", "the", "exactly", "should", "will", "latest", "at",
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "to",
        "until", "till", "-", ".", "rather", "make", "but", "for", "around",
    ]
)  # fmt: skip
"""What may follow "at three" if it is an hour and not three of something."""
_MINUTES_PAST: Mapping[str, int] = {"past": 1, "after": 1, "to": -1, "till": -1, "before": -1}
_MOST_MINUTES = 59
_MOST_HOURS = 12


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day or a window; `end_at` is the position after the words."""

    start: time | None
    end: time | None
    end_at: int
    confidence: float = CERTAIN
    weak: bool = False
    """Only a time beside a day, or where one was asked for: "three", "morning"."""


@dataclass(frozen=True, slots=True)
class _Hour:
    minute_of_day: int
    end: int
    plain: bool
    """No am or pm was said: which half of the day is a guess."""
    weak: bool = False


def clock_at(words: Sequence[str], at: int) -> Clock | None:
    """The time of day that is said from position `at` on."""
    return _window(words, at) or _part(words, at) or _moment(words, at)


def _window(words: Sequence[str], at: int) -> Clock | None:
    """ "Between two and four", "from nine to five", "after five", "before noon"."""
    word = _word(words, at)
    introduced = word in ("between", "from")
    if introduced or _is_range(words, at):
        first = _plain_hour(words, at + introduced)
        joint = _word(words, first.end) if first else ""
        if first and joint in ("and", "to", "until", "till", "-"):
            last = _hour(words, first.end + 1, asked=True)
            if last:
                return _between(first, last)
    if word in ("after", "from", "past") or (word == "any" and _word(words, at + 1) == "time"):
        start = at + (3 if word == "any" and _word(words, at + 2) in ("after", "from") else 1)
        if word == "any" and start == at + 1:
            return None
        first = _hour(words, start, asked=True)
        if first and not _counts_things(words, first):
            return Clock(_time(_half(first)), None, _past_onwards(words, first.end), _sure(first))
    if word in ("before", "by", "until", "till"):
        last = _hour(words, at + 1, asked=True)
        if last and not _counts_things(words, last):
            return Clock(None, _time(_half(last)), last.end, _sure(last))
    return None


def _is_range(words: Sequence[str], at: int) -> bool:
    """ "Nine to five": nobody says how late it is in steps of one minute."""
    number = below_hundred(words, at)
    if number is None or number.value % 5 == 0 or number.value > _MOST_HOURS:
        return False
    return _word(words, number.end) in ("to", "till", "until", "-")


def _plain_hour(words: Sequence[str], at: int) -> _Hour | None:
    """The beginning of a range, where "ten to twelve" is not ten minutes to twelve."""
    noon = phrase_at(words, at, _NOON)
    if noon:
        return _hour(words, at, asked=True)
    half = _word(words, at) in ("half", "quarter")
    found = _past_or_to(words, at) if half else _plain(words, at, asked=True)
    return _with_half(words, found) if found else None


def _past_onwards(words: Sequence[str], at: int) -> int:
    return at + phrase_at(words, at, phrases("onwards; onward; on; or later; or so"))


def _between(first: _Hour, last: _Hour) -> Clock:
    """Both halves of the day are chosen together: "nine to five", "two to four p m"."""
    end = _half(last)
    start = first.minute_of_day
    if first.plain:
        start = _half(first)
        if not last.plain and start - 720 < end <= start:
            start -= 720
        if not last.plain and start + 720 < end and start < _EARLY_HOUR * 60:
            start += 720
    if last.plain and end <= start:
        end += 720 if end + 720 < 1440 else 0
    return Clock(_time(start), _time(end), last.end, min(_sure(first), _sure(last)))


def _part(words: Sequence[str], at: int) -> Clock | None:
    length = phrase_at(words, at, _PARTS)
    if not length:
        return None
    phrase = tuple(words[at : at + length])
    start, end = _PARTS[phrase]
    return Clock(start, end, at + length, weak=phrase in _BARE_PARTS)


def _moment(words: Sequence[str], at: int) -> Clock | None:
    asked = _word(words, at) in _AT
    hour = _hour(words, at + asked, asked=asked or _word(words, at - 1) == "to")
    if hour is None or (asked and _counts_things(words, hour)):
        return None
    end = hour.end + phrase_at(words, hour.end, phrases("ish; sharp; exactly; on the dot"))
    moment = _time(_half(hour))
    return Clock(moment, moment, end, _sure(hour), weak=hour.weak and not asked)


def _counts_things(words: Sequence[str], hour: _Hour) -> bool:
    """ "After two weeks": the number belongs to what follows. "By twenty" is no hour either."""
    late = hour.minute_of_day > _MOST_HOURS * 60
    return hour.weak and (late or _word(words, hour.end) not in _FOLLOWS)


def _hour(words: Sequence[str], at: int, *, asked: bool) -> _Hour | None:
    """One time of day. `asked`: a word before it asks for one, so "to" may be "two"."""
    length = phrase_at(words, at, _NOON)
    if length:
        noon = _NOON[tuple(words[at : at + length])]
        return _Hour(noon.hour * 60, at + length, plain=False)
    found = _past_or_to(words, at) or _plain(words, at, asked=asked)
    return _with_half(words, found) if found else None


def _past_or_to(words: Sequence[str], at: int) -> _Hour | None:
    """ "Half past three", "quarter to five", "ten past four", "half three"."""
    start = at + (_word(words, at) in ("a", "the"))
    word = _word(words, start)
    if word == "half" and _word(words, start + 1) not in ("past", "passed", "after"):
        hour = _hour_number(words, start + 1, homophones=False)
        fits = hour and 1 <= hour[0] <= 12 and _word(words, hour[1]) in _FOLLOWS
        return _Hour(hour[0] % 24 * 60 + 30, hour[1], plain=True) if hour and fits else None
    if word in ("half", "quarter"):
        minutes, position = (30, start + 1) if word == "half" else (15, start + 1)
    else:
        small = below_hundred(words, start)
        if small is None or not 1 <= small.value <= _MOST_MINUTES:
            return None
        minutes, position = small.value, small.end
        position += _word(words, position) in ("minutes", "minute", "mins")
    joint = _word(words, position).replace("passed", "past")
    joint = "to" if joint in ("of", "two") and word == "quarter" else joint
    sign = _MINUTES_PAST.get(joint)
    hour = _hour_number(words, position + 1, homophones=True) if sign else None
    if sign is None or hour is None or not 1 <= hour[0] <= 12:
        return None
    return _Hour((hour[0] * 60 + sign * minutes) % 1440, hour[1], plain=True)


def _plain(words: Sequence[str], at: int, *, asked: bool) -> _Hour | None:
    """ "Three", "three thirty", "3:30", "fifteen hundred", "oh nine hundred", "1530"."""
    written = _written(words, at)
    if written:
        return written
    start = at + (_word(words, at) in ("oh", "o", "zero") and _word(words, at + 1) in UNITS)
    hour = _hour_number(words, start, homophones=asked)
    if hour is None:
        return None
    number, end = hour
    if _word(words, end) == "hundred":
        end += 1 + (_word(words, end + 1) == "hours")
        military = start > at or number > 12
        return _Hour(number % 24 * 60, end, plain=not military) if military else None
    length = phrase_at(words, end, phrases("o'clock; oclock; o clock; clock"))
    if length:
        return _Hour(number % 24 * 60, end + length, plain=_is_plain(number))
    minutes = _spoken_minutes(words, end)
    if minutes:
        return _Hour(number % 24 * 60 + minutes[0], minutes[1], plain=_is_plain(number))
    homophone = words[start] in _SOUNDS_LIKE
    if homophone and not asked:
        return None
    return _Hour(number % 24 * 60, end, plain=_is_plain(number), weak=True)


def _written(words: Sequence[str], at: int) -> _Hour | None:
    """ "3:30", "15.30", "330" before "pm", "1530" before "hours"."""
    word = _word(words, at)
    if not is_number(word):
        return None
    minutes = _word(words, at + 2)
    if _word(words, at + 1) in (":", ".") and is_number(minutes) and len(minutes) == 2:
        hour, end = int(word), at + 3
    elif len(word) in (3, 4) and phrase_at(words, at + 1, (*_AM, *_PM, ("hours",))):
        hour, minutes, end = int(word[:-2]), word[-2:], at + 1
        end += _word(words, end) == "hours"
    else:
        return None
    if hour > 23 or int(minutes) > _MOST_MINUTES:
        return None
    return _Hour(hour * 60 + int(minutes), end, plain=1 <= hour <= 12 and not word.startswith("0"))


def _hour_number(words: Sequence[str], at: int, *, homophones: bool) -> tuple[int, int] | None:
    word = _word(words, at)
    if homophones and word in _SOUNDS_LIKE:
        return _SOUNDS_LIKE[word], at + 1
    number = below_hundred(words, at)
    if number is None or number.value > 24 or _word(words, number.end) in ("st", "nd", "rd", "th"):
        return None
    return number.value, number.end


def _spoken_minutes(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """The "thirty" of "three thirty", the "oh five" of "three oh five"."""
    if _word(words, at) in ("oh", "o", "zero"):
        unit = UNITS.get(_word(words, at + 1), 0)
        return (unit, at + 2) if unit else None
    minutes = below_hundred(words, at)
    fits = minutes is not None and 10 <= minutes.value <= _MOST_MINUTES
    return (minutes.value, minutes.end) if minutes and fits else None


def _with_half(words: Sequence[str], hour: _Hour) -> _Hour:
    """Take "p m" or "in the evening" along."""
    value, end = hour.minute_of_day, hour.end
    morning, afternoon = phrase_at(words, end, _AM), phrase_at(words, end, _PM)
    if not morning and not afternoon:
        return hour
    if value >= 13 * 60:
        return _Hour(value, end + max(morning, afternoon), plain=False)
    value %= 720
    value += 720 if afternoon else 0
    return _Hour(value, end + max(morning, afternoon), plain=False)


def _is_plain(hour: int) -> bool:
    return 1 <= hour <= 12


def _half(hour: _Hour) -> int:
    """The likelier half of the day: office hours."""
    value = hour.minute_of_day
    return value + 720 if hour.plain and value < _EARLY_HOUR * 60 else value


def _sure(hour: _Hour) -> float:
    if not hour.plain:
        return CERTAIN
    # Between seven and eight callers may mean either.
    return GUESSED if 7 * 60 <= hour.minute_of_day < _EARLY_HOUR * 60 else LIKELY


def _time(minute_of_day: int) -> time:
    return time(minute_of_day // 60 % 24, minute_of_day % 60)


def _word(words: Sequence[str], at: int) -> str:
    return words[at] if 0 <= at < len(words) else ""
