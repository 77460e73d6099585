"""Times of day, on the twelve-hour clock callers use."""

import re

from backend.tts.speakable.numerals import cardinal

_HALF = r"([AaPp])(?:\.\s?[Mm]\b\.?|[Mm]\b)"
_TIME = rf"\d{{1,2}}(?::\d{{2}}(?::\d{{2}})?)?(?:\s?{_HALF.replace('(', '(?:', 1)})?"
_RANGE = re.compile(
    rf"(?<![\d:.,/$-])({_TIME})\s?-\s?(?=\d{{1,2}}(?::\d{{2}})?(?:\s?{_HALF})|\d{{1,2}}:\d{{2}})"
)
_CLOCK = re.compile(
    rf"(?<![\d:.,])(\d{{1,2}}):(\d{{2}})(?::(\d{{2}}))?(?![\d:])(?:\s?{_HALF})?(\s+[A-Z]|\s*$)?"
)
_HOUR = re.compile(rf"(?<![\d:.,])(\d{{1,2}})\s?{_HALF}(\s+[A-Z]|\s*$)?")
_RATIO = re.compile(r"(?<![\d:])(\d+):(\d+)(?![\d:])")


def with_times_spoken(text: str) -> str:
    """`3:30 pm` → `three thirty P M`, `15:30` the same, `9:00` → `nine o'clock`."""
    if not any(char.isdigit() for char in text):
        return text
    text = _RANGE.sub(r"\1 to ", text)
    text = _CLOCK.sub(_clock, text)
    text = _HOUR.sub(_hour, text)
    return _RATIO.sub(r"\1 to \2", text)


def _clock(match: re.Match[str]) -> str:
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    if hour > 24 or minute > 59 or second > 59:
        return match[0]
    half = (match[4] or "").upper()
    if not half and (hour > 12 or hour == 0):
        half = "P" if 12 < hour < 24 else "A"
    spoken = cardinal((hour - 1) % 12 + 1)
    if minute:
        spoken += f" {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    elif not half:
        spoken += " o'clock"
    if second:
        spoken += f" and {cardinal(second)} second{'s' if second > 1 else ''}"
    return spoken + (f" {half} M" if half else "") + _after(match, 5)


def _hour(match: re.Match[str]) -> str:
    hour = int(match[1])
    if not 1 <= hour <= 12:
        return match[0]
    return f"{cardinal(hour)} {match[2].upper()} M{_after(match, 3)}"


def _after(match: re.Match[str], group: int) -> str:
    """The full stop of `a.m.` also ended the sentence when a capital, or nothing, follows."""
    follows = match[group] or ""
    dotted = match[0].removesuffix(follows).endswith(".")
    return f".{follows}" if dotted and match[group] is not None else follows
