"""Numbers as quantities, not as digit strings: "twenty five", "a hundred and four", "21st"."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from backend.agent.slots.spoken import is_number

UNITS: Mapping[str, int] = {
    "zero": 0, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9,
}  # fmt: skip
TEENS: Mapping[str, int] = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15,
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
TENS: Mapping[str, int] = {
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_SCALES: Mapping[str, int] = {"hundred": 100, "thousand": 1000, "million": 1_000_000}
_ORDINALS: Mapping[str, int] = {
    "first": 1, "second": 2, "third": 3, "fourth": 4, "forth": 4, "fifth": 5, "sixth": 6,
    "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10, "eleventh": 11, "twelfth": 12,
    "thirteenth": 13, "fourteenth": 14, "fifteenth": 15, "sixteenth": 16, "seventeenth": 17,
    "eighteenth": 18, "nineteenth": 19, "twentieth": 20, "thirtieth": 30, "fortieth": 40,
    "fiftieth": 50, "sixtieth": 60, "seventieth": 70, "eightieth": 80, "ninetieth": 90,
}  # fmt: skip
_LONGEST_FIGURES = 9


class Quantity(NamedTuple):
    """A number and the position after it."""

    value: int
    end: int


def below_hundred(words: Sequence[str], at: int) -> Quantity | None:
    """Zero to ninety-nine, in words or figures."""
    word = _word(words, at)
    if is_number(word) and len(word) <= 2:
        return Quantity(int(word), at + 1)
    if word in TENS:
        unit = UNITS.get(_word(words, at + 1), 0)
        return Quantity(TENS[word] + unit, at + 2 if unit else at + 1)
    small = UNITS.get(word, TEENS.get(word))
    return None if small is None else Quantity(small, at + 1)


def cardinal(words: Sequence[str], at: int) -> Quantity | None:
    """Any whole number a price can have: "a thousand two hundred and five", "1200"."""
    word = _word(words, at)
    if is_number(word) and len(word) <= _LONGEST_FIGURES:
        total, position = int(word), at + 1
    elif word in ("a", "one") and _word(words, at + 1) in _SCALES:
        total, position = 1, at + 1
    else:
        small = below_hundred(words, at)
        if small is None:
            return None
        total, position = small
    return _scaled(words, total, position)


def _scaled(words: Sequence[str], first: int, position: int) -> Quantity:
    """Go on after the first number: "two | hundred and five thousand and six"."""
    done, group = 0, first
    lowest = 1 << 60
    while True:
        scale = _SCALES.get(_word(words, position))
        if scale is None or scale >= lowest:
            break
        position += 1
        if scale == _SCALES["hundred"]:
            group *= scale
        else:
            done, group, lowest = done + group * scale, 0, scale
        after = position + (_word(words, position) == "and")
        rest = below_hundred(words, after)
        if rest and rest.value:
            group, position = group + rest.value, rest.end
    return Quantity(done + group, position)


def ordinal(words: Sequence[str], at: int) -> Quantity | None:
    """ "First" to "ninety ninth", "21st"."""
    word, following = _word(words, at), _word(words, at + 1)
    if is_number(word) and len(word) <= 2:
        value = int(word)
        return Quantity(value, at + 2) if ordinal_figures(value) == f"{value}{following}" else None
    if word in TENS and _ORDINALS.get(following, 10) < 10:
        return Quantity(TENS[word] + _ORDINALS[following], at + 2)
    return Quantity(_ORDINALS[word], at + 1) if word in _ORDINALS else None


def ordinal_figures(value: int) -> str:
    """`5` → `5th`."""
    teen = value % 100 in (11, 12, 13)
    suffix = "th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return f"{value}{suffix}"


def _word(words: Sequence[str], at: int) -> str:
    return words[at] if 0 <= at < len(words) else ""
