"""Dates and times as a slot: which day and hour the caller means, counted from now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from backend.agent.slots.cardinals import below_hundred
from backend.agent.slots.clock import Clock, clock_at
from backend.agent.slots.days import Days, days_at
from backend.agent.slots.slot import CERTAIN, GUESSED, LIKELY, SlotValue
from backend.agent.slots.spoken import CORRECTIONS, Spoken, phrase_at, phrases, spoken
from backend.agent.slots.when import When, moment

_NOW = phrases(
    "right now; right away; straight away; immediately; as soon as possible; asap; as soon as you"
    " can; now"
)
_ANY_TIME = phrases(
    "any time; anytime; whenever; whenever you like; any time is fine; whenever is best; doesn't"
    " matter when; i don't mind; it doesn't matter; i'm flexible; any day; whenever suits you"
)
_ANSWERS = frozenset(
    [
        "yes", "yeah", "well", "so", "ok", "okay", "sure", "please", "let's", "say", "maybe", "um",
        "i", "i'd", "would", "like", "prefer", "it's", "its", "is", "that", "would", "be", "good",
        "best", "fine", "make", "it", "at", "on", "the", "call", "me", "back", "you", "can",
        "could", "thanks", "thank", "how", "about", "perhaps", "works", "for", "no", "sorry",
        "actually", "wait", "mean", "rather", "then", "in", "of", "and", "great", "ideally",
        "just", "to", "or", "if", "possible",
    ]
)  # fmt: skip
"""Beside nothing but these, "three" and "morning" answer when."""
_NEGATIONS = phrases("not; but not; except; except for; not on; any day but; isn't; never")
_UNITS = {"minute": 1, "minutes": 1, "mins": 1, "min": 1, "hour": 60, "hours": 60}


@dataclass(slots=True)
class _Heard:
    """What has been read so far, and where it began and ended."""

    days: Days | None = None
    clock: Clock | None = None
    start: int = -1
    end: int = 0
    confidence: float = CERTAIN
    correcting: bool = False

    def take_days(self, days: Days) -> None:
        """A second day corrects the first, or narrows it, or makes it doubtful."""
        before = self.days
        self.confidence = min(self.confidence, days.confidence)
        if before is None or self.correcting:
            self.days = days
        elif before.last and days.vague:
            self.days = replace(days, first=_weekday_within(before, days.first.weekday()))
        elif before.vague and not days.vague and not days.last:
            self.days = days
            if before.first.weekday() != days.first.weekday():
                self.confidence = GUESSED
        elif before.first != days.first:
            self.confidence = GUESSED

    def take_clock(self, clock: Clock) -> None:
        """A second time corrects the first; "tomorrow morning at nine" narrows it."""
        before = self.clock
        if before is None or self.correcting:
            self.clock = clock
        elif before.start and before.end and not _is_moment(before):
            self.clock = _within(clock, before) if _is_moment(clock) else clock
        elif (before.start, before.end) != (clock.start, clock.end):
            self.confidence = GUESSED
        if self.clock:
            self.confidence = min(self.confidence, self.clock.confidence)


@dataclass(frozen=True, slots=True)
class WhenReader:
    """`now`: the moment of the call, in the time zone the answer is meant in."""

    now: datetime

    def read(self, text: str) -> SlotValue[When] | None:
        """The day and time; a time alone is the next moment it is that late."""
        words = spoken(text, ":/.-")
        heard = self._heard(words)
        if heard.start < 0:
            return self._special(words)
        when = self._when(heard.days, heard.clock)
        return SlotValue(when, heard.confidence, words.span(heard.start, heard.end), when.spoken)

    def keyed(self, keys: str) -> SlotValue[When] | None:
        """A time of day in four digits: `1530`; without saying "pm" `0330` is at night."""
        digits = keys.rstrip("#*")
        if len(digits) != 4 or not digits.isdigit() or int(digits[:2]) > 23:
            return None
        if int(digits[2:]) > 59:
            return None
        at = time(int(digits[:2]), int(digits[2:]))
        when = self._when(None, Clock(at, at, 0))
        return SlotValue(when, LIKELY, (0, 0), when.spoken)

    def _heard(self, words: Spoken) -> _Heard:
        heard = _Heard()
        position, weak = 0, False
        while position < len(words.words):
            correction = phrase_at(words.words, position, CORRECTIONS)
            if correction:
                heard.correcting = heard.start >= 0
                position += correction
                continue
            end, was_weak = self._item(words.words, position, heard)
            if end == position:
                position += 1
                continue
            weak = weak or was_weak
            heard.start = position if heard.start < 0 else heard.start
            heard.end = position = end
        if weak and not _only_answers(words, heard):
            # "March two and three": the three is no hour.
            return replace(heard, clock=None) if heard.days else _Heard()
        return heard

    def _item(self, words: Sequence[str], at: int, heard: _Heard) -> tuple[int, bool]:
        """Read one day or time into `heard`; the position after it, and whether it is weak."""
        negated = phrase_at(words, at, _NEGATIONS)
        if negated:
            skipped = days_at(words, at + negated, self.now.date())
            return (at, False) if skipped is None or heard.start < 0 else (skipped.end, False)
        if _negated(words, at):
            skipped = days_at(words, at, self.now.date())
            if skipped:
                return at, False
        shifted = self._from_now(words, at)
        if shifted:
            later, end = shifted
            heard.take_days(Days(later.date(), end))
            clock = moment(later)
            heard.take_clock(Clock(clock.start, clock.end, end))
            return end, False
        end = at
        days = days_at(words, at, self.now.date()) or _day_after(words, at, heard)
        if days:
            heard.take_days(days)
            end = days.end
        clock_here = clock_at(words, end)
        if clock_here and not (clock_here.weak and words[end - 1 : end] == ("good",)):
            heard.take_clock(clock_here)
            return clock_here.end_at, clock_here.weak and days is None
        return end, False

    def _from_now(self, words: Sequence[str], at: int) -> tuple[datetime, int] | None:
        """ "In two hours", "in half an hour", "an hour from now"."""
        introduced = words[at] in ("in", "within")
        position = at + introduced
        position += introduced and words[position : position + 1] in (("about",), ("around",))
        minutes = _duration(words, position)
        if minutes is None:
            return None
        count, end = minutes
        from_now = tuple(words[end : end + 2]) == ("from", "now")
        if not introduced and not from_now:
            return None
        return self.now + timedelta(minutes=count), end + 2 * from_now

    def _special(self, words: Spoken) -> SlotValue[When] | None:
        """ "Right now", "any time"."""
        for position in range(len(words.words)):
            length = phrase_at(words.words, position, _ANY_TIME)
            if length:
                span = words.span(position, position + length)
                return SlotValue(When(), LIKELY, span, When().spoken)
            length = phrase_at(words.words, position, _NOW)
            rest = (*words.words[:position], *words.words[position + length :])
            if length and (length > 1 or _ANSWERS.issuperset(rest)):
                when = moment(self.now)
                span = words.span(position, position + length)
                return SlotValue(when, LIKELY, span, "as soon as possible")
        return None

    def _when(self, days: Days | None, clock: Clock | None) -> When:
        start, end = (clock.start, clock.end) if clock else (None, None)
        if days:
            return When(days.first, days.last, start, end)
        last = end or start
        over = last is not None and end is not None and last <= self.now.time()
        day: date = self.now.date() + timedelta(days=int(over))
        return When(day, None, start, end)


def _duration(words: Sequence[str], at: int) -> tuple[int, int] | None:
    """Minutes, and the position after them."""
    for phrase, minutes in _DURATIONS.items():
        length = phrase_at(words, at, [phrase])
        if length:
            return minutes, at + length
    number = below_hundred(words, at)
    if number is None:
        return None
    half = tuple(words[number.end : number.end + 3]) == ("and", "a", "half")
    end = number.end + 3 * half
    unit = _UNITS.get(words[end]) if end < len(words) else None
    return (number.value * unit + half * unit // 2, end + 1) if unit else None


_DURATIONS = {
    ("half", "an", "hour"): 30, ("a", "half", "hour"): 30, ("an", "hour", "and", "a", "half"): 90,
    ("a", "quarter", "of", "an", "hour"): 15, ("an", "hour"): 60, ("a", "few", "minutes"): 5,
    ("a", "couple", "of", "hours"): 120, ("a", "couple", "hours"): 120, ("a", "minute"): 1,
    ("a", "few", "hours"): 180, ("one", "hour"): 60,
}  # fmt: skip


def _day_after(words: Sequence[str], at: int, heard: _Heard) -> Days | None:
    """ "Tomorrow, no, the day after"."""
    length = phrase_at(words, at, phrases("the day after; the day after that"))
    if not length or heard.days is None:
        return None
    return Days(heard.days.first + timedelta(1), at + length)


def _weekday_within(days: Days, weekday: int) -> date:
    return days.first + timedelta((weekday - days.first.weekday()) % 7)


def _is_moment(clock: Clock) -> bool:
    return clock.start is not None and clock.start == clock.end


def _within(clock: Clock, window: Clock) -> Clock:
    """ "Tomorrow evening at eight": the window tells which half of the day."""
    assert clock.start is not None  # noqa: S101 - a moment has a start
    assert window.start is not None  # noqa: S101 - as do parts of the day
    assert window.end is not None  # noqa: S101
    later = clock.start.replace(hour=(clock.start.hour + 12) % 24)
    fits = window.start <= later <= window.end and not window.start <= clock.start <= window.end
    return replace(clock, start=later, end=later, confidence=CERTAIN) if fits else clock


def _negated(words: Sequence[str], at: int) -> bool:
    return any(
        at >= len(phrase) and tuple(words[at - len(phrase) : at]) == phrase for phrase in _NEGATIONS
    )


def _only_answers(words: Spoken, heard: _Heard) -> bool:
    rest = (*words.words[: heard.start], *words.words[heard.end :])
    return _ANSWERS.issuperset(rest)
