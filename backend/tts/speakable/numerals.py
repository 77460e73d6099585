"""Numbers in English words: the vocabulary every other stage speaks with."""

from num2words import num2words

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
"""A plain or comma-grouped number, as a pattern without groups."""

LONGEST_CARDINAL = 15
"""Beyond quadrillions nobody follows the words; such numbers are read digit by digit."""

_GROUPS = {5: (2, 3), 6: (3, 3), 7: (3, 4), 9: (3, 3, 3), 10: (3, 3, 4), 11: (1, 3, 3, 4)}


def spell_digits(digits: str) -> str:
    """Each digit as a word: `1004` → `one zero zero four`."""
    return " ".join(DIGITS[int(digit)] for digit in digits)


def spell_grouped(digits: str) -> str:
    """Digit by digit with a comma, that is a short pause, where people pause themselves."""
    sizes = _GROUPS.get(len(digits)) or [4] * -(-len(digits) // 4)
    groups, start = [], 0
    for size in sizes:
        groups.append(spell_digits(digits[start : start + size]))
        start += size
    return ", ".join(groups)


def cardinal(value: int) -> str:
    """`1234` → `one thousand two hundred and thirty-four`."""
    return str(num2words(value)).replace(",", "")


def ordinal(value: int) -> str:
    """`22` → `twenty-second`."""
    return str(num2words(value, to="ordinal")).replace(",", "")


def year(value: int) -> str:
    """`2026` → `twenty twenty-six`, `1905` → `nineteen oh-five`."""
    return str(num2words(value, to="year"))


def number(text: str) -> str:
    """What `NUMBER` matched, in words. Leading zeros and huge numbers are spelled."""
    whole, _, fraction = text.replace(",", "").partition(".")
    if len(whole) > LONGEST_CARDINAL or (len(whole) > 1 and whole.startswith("0")):
        words = spell_grouped(whole)
    else:
        words = cardinal(int(whole))
    return f"{words} point {spell_digits(fraction)}" if fraction else words
