"""Everything that is counted or measured: percent, units, fractions, ranges, plain numbers."""

import re

from backend.tts.speakable.numerals import NUMBER, number, ordinal, spell_digits

_UNITS = {
    "Gbps": ("gigabit per second", "gigabits per second"),
    "Gbit/s": ("gigabit per second", "gigabits per second"),
    "Gb/s": ("gigabit per second", "gigabits per second"),
    "Mbps": ("megabit per second", "megabits per second"),
    "Mbit/s": ("megabit per second", "megabits per second"),
    "Mb/s": ("megabit per second", "megabits per second"),
    "MB/s": ("megabyte per second", "megabytes per second"),
    "kbps": ("kilobit per second", "kilobits per second"),
    "kbit/s": ("kilobit per second", "kilobits per second"),
    "KB": ("kilobyte", "kilobytes"),
    "MB": ("megabyte", "megabytes"),
    "Mb": ("megabit", "megabits"),
    "GB": ("gigabyte", "gigabytes"),
    "Gb": ("gigabit", "gigabits"),
    "TB": ("terabyte", "terabytes"),
    "PB": ("petabyte", "petabytes"),
    "Hz": ("hertz", "hertz"),
    "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"),
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "km": ("kilometer", "kilometers"),
    "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"),
    "mi": ("mile", "miles"),
    "ft": ("foot", "feet"),
    "kg": ("kilogram", "kilograms"),
    "mg": ("milligram", "milligrams"),
    "lbs": ("pound", "pounds"),
    "lb": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "ml": ("milliliter", "milliliters"),
    "ms": ("millisecond", "milliseconds"),
    "sec": ("second", "seconds"),
    "secs": ("second", "seconds"),
    "min": ("minute", "minutes"),
    "mins": ("minute", "minutes"),
    "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"),
    "kWh": ("kilowatt hour", "kilowatt hours"),
    "kW": ("kilowatt", "kilowatts"),
    "dB": ("decibel", "decibels"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"),
}
_ATTACHED_UNITS = {
    "s": ("second", "seconds"),
    "h": ("hour", "hours"),
    "m": ("meter", "meters"),
    "g": ("gram", "grams"),
    "V": ("volt", "volts"),
    "W": ("watt", "watts"),
    "x": ("times", "times"),
}
"""Single letters count only right behind the digits: `30s`, but not `5 A` or `30 s`."""

_ANY_CASE = {unit.lower(): names for unit, names in _UNITS.items() if unit not in ("Mb", "Gb")}
_PERS = {
    "mo": "month", "mth": "month", "yr": "year", "hr": "hour", "h": "hour", "wk": "week",
    "min": "minute", "sec": "second", "s": "second",
}  # fmt: skip

_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_MEASURED = re.compile(
    rf"(?<![\w.])({NUMBER})(?:\s?-\s?({NUMBER}))?"
    rf"(?:\s?((?i:{_UNIT}))(?![\w°/])(?:\.(?=\s[a-z]))?|([shmgVWx])(?![\w/]))"
)
_PERCENT = re.compile(rf"(?<![\w.])({NUMBER})(?:\s?-\s?({NUMBER}))?\s?(%|percent\b)")
_PER = re.compile(
    r"(?<=\w)\s?/\s?(month|year|day|hour|week|minute|second|user|line|person|call|"
    r"mo|mth|yr|hr|wk|min|sec|h|s)\b",
    re.IGNORECASE,
)
_ALWAYS = re.compile(r"\b24\s?/\s?7\b")
_FRACTION = re.compile(r"(?<![\w/.,])(\d{1,3})/(\d{1,4})(?![\w/]|[.,]\d)")
_ORDINAL = re.compile(r"(?<![\w.,])(\d{1,9}|\d{1,3}(?:,\d{3})+)(?:st|nd|rd|th)\b", re.IGNORECASE)
_RANGE = re.compile(rf"(?<![\w.,-])({NUMBER})\s?-\s?({NUMBER})(?![\w-]|[.,]\d)")
_VERSION = re.compile(r"(?<![\w.])(\d+(?:\.\d+){2,})(?![\w])")
_SIGNED = re.compile(rf"(?<![\w.)-])-(?={NUMBER})")
_MIXED_FRACTION = re.compile(r"(?<=\d)\s+(?=\d/\d{1,2}(?![\d/]))")
_PLAIN = re.compile(rf"({NUMBER})")
_LEADING_POINT = re.compile(r"(?<![\w.])\.(\d+)")
_DIGITS = re.compile(r"\d+")

_DENOMINATORS = {2: ("half", "halves"), 4: ("quarter", "quarters")}


def with_measures_spoken(text: str) -> str:
    """Percentages, units, `/month`, `24/7`, fractions and ordinals."""
    text = _PER.sub(lambda match: f" per {_PERS.get(match[1].lower(), match[1])}", text)
    if not any(char.isdigit() for char in text):
        return text
    text = _ALWAYS.sub("twenty-four seven", _SIGNED.sub(" minus ", text))
    text = _PERCENT.sub(lambda match: f"{_amount(match)} percent", text)
    text = _MEASURED.sub(_measured, text)
    text = _FRACTION.sub(_fraction, _MIXED_FRACTION.sub(" and ", text))
    return _ORDINAL.sub(lambda match: ordinal(int(match[1].replace(",", ""))), text)


def with_numbers_spoken(text: str) -> str:
    """Ranges, versions, signs and plain numbers. No digit is left after this."""
    if not any(char.isdigit() for char in text):
        return text
    text = _RANGE.sub(r"\1 to \2", text)
    text = _VERSION.sub(lambda match: match[1].replace(".", " point "), text)
    text = _LEADING_POINT.sub(lambda match: f" point {spell_digits(match[1])} ", text)
    text = _PLAIN.sub(lambda match: f" {number(match[1])} ", text)
    return _DIGITS.sub(lambda match: f" {spell_digits(match[0])} ", text)


def _amount(match: re.Match[str]) -> str:
    """Groups 1 and 2 of a match: one number, or a range of two."""
    return f"{number(match[1])} to {number(match[2])}" if match[2] else number(match[1])


def _measured(match: re.Match[str]) -> str:
    unit = match[3]
    names = (
        _UNITS.get(unit) or _ANY_CASE.get(unit.lower()) if unit else _ATTACHED_UNITS.get(match[4])
    )
    if names is None:
        return match[0]
    return f"{_amount(match)} {names[0] if match[1] == '1' and not match[2] else names[1]}"


def _fraction(match: re.Match[str]) -> str:
    top, bottom = int(match[1]), int(match[2])
    if not 0 < top < bottom or bottom > 10:
        return f"{number(match[1])} over {number(match[2])}"
    one, many = _DENOMINATORS.get(bottom) or (ordinal(bottom), f"{ordinal(bottom)}s")
    return f"{number(match[1])} {one if top == 1 else many}"
