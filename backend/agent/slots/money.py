"""Amounts of money: "forty five fifty", "a hundred bucks", "$84.50", "two grand"."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from backend.agent.slots.cardinals import TEENS, TENS, UNITS, Quantity, below_hundred, cardinal
from backend.agent.slots.slot import CERTAIN, GUESSED, LIKELY, SlotValue
from backend.agent.slots.spoken import CORRECTIONS, Spoken, is_number, phrase_at, spoken

_SIGNS: Mapping[str, str] = {"$": "USD", "€": "EUR", "£": "GBP"}
_NAMES: Mapping[str, str] = {
    "dollar": "USD", "dollars": "USD", "buck": "USD", "bucks": "USD", "usd": "USD",
    "euro": "EUR", "euros": "EUR", "eur": "EUR", "pound": "GBP", "pounds": "GBP",
    "quid": "GBP", "gbp": "GBP", "sterling": "GBP", "francs": "CHF", "chf": "CHF",
}  # fmt: skip
_CENTS: Mapping[str, str] = {
    "cent": "", "cents": "", "penny": "", "pennies": "", "pence": "GBP", "c": "", "p": "GBP",
}  # fmt: skip
_PARTS: Mapping[tuple[str, ...], Decimal] = {
    ("a", "half"): Decimal("0.5"),
    ("a", "quarter"): Decimal("0.25"),
}
_THOUSANDS = frozenset({"grand", "k"})
_AROUND_AN_AMOUNT = frozenset(
    [
        "it", "it's", "its", "is", "was", "that's", "that", "about", "around", "roughly", "exactly",
        "like", "only", "just", "i", "i'll", "can", "pay", "paid", "owe", "think", "say", "maybe",
        "please", "yes", "yeah", "sure", "ok", "okay", "so", "the", "amount", "of", "a", "month",
        "per", "total", "altogether", "in", "all", "even", "well", "would", "be", "for", "my",
        "bill", "balance", "says", "price", "charged", "me", "you", "took",
        "charge", "cost", "costs",
    ]
)  # fmt: skip
"""With nothing else said, a bare number is the amount asked for."""
_CORRECTING = frozenset(word for phrase in CORRECTIONS for word in phrase) | {"it's", "it", "was"}
_CURRENCY_SIGN = re.compile("[$€£]")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount. `str()`: `USD 84.50`."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.currency} {self.amount:.2f}"


@dataclass(frozen=True, slots=True)
class _Found:
    amount: Decimal
    currency: str
    start: int
    end: int
    sure: bool = True


@dataclass(frozen=True, slots=True)
class MoneyReader:
    """`currency`: meant where none is named."""

    currency: str = "USD"

    def read(self, text: str) -> SlotValue[Money] | None:
        """The amount; of several the last, of a corrected one the correction."""
        words = spoken(text, "$€£.")
        found = _amounts(words, self.currency) or self._bare(words)
        if not found:
            return None
        last = found[-1]
        corrected = len(found) > 1 and _corrected(words.words[found[-2].end : last.start])
        several = len({each.amount for each in found}) > 1 and not corrected
        confidence = GUESSED if several or not last.sure else LIKELY if corrected else CERTAIN
        return _value(last.amount, last.currency, confidence, words.span(last.start, last.end))

    def keyed(self, keys: str) -> SlotValue[Money] | None:
        """The star stands for the decimal point: `45*50#`."""
        match = re.fullmatch(r"(\d{1,7})(?:\*(\d{2}))?", keys.rstrip("#"))
        if match is None:
            return None
        amount = Decimal(f"{match[1]}.{match[2] or '00'}")
        return _value(amount, self.currency, LIKELY, (0, 0))

    def _bare(self, words: Spoken) -> list[_Found]:
        """A number that is the whole answer."""
        found = []
        position = 0
        while position < len(words.words):
            figure = _figure(words.words, position)
            if figure is None:
                known = words.words[position] in _AROUND_AN_AMOUNT
                if not known and not phrase_at(words.words, position, CORRECTIONS):
                    return []
                position += 1
                continue
            amount, end, whole = figure
            cents = _trailing_cents(words.words, end) if whole else None
            if cents:
                amount, end = amount + Decimal(cents.value) / 100, cents.end
            found.append(_Found(amount, self.currency, position, end, sure=bool(cents)))
            position = end
        return found


def _value(
    amount: Decimal, currency: str, confidence: float, span: tuple[int, int]
) -> SlotValue[Money]:
    money = Money(amount.quantize(Decimal("0.01")), currency)
    sign = next((sign for sign, name in _SIGNS.items() if name == currency), "")
    read_back = f"{sign}{money.amount}" if sign else f"{money.amount} {currency}"
    return SlotValue(money, confidence, span, read_back)


def _amounts(words: Spoken, default: str) -> list[_Found]:
    """Everything with a currency, in order."""
    found: list[_Found] = []
    position = 0
    while position < len(words.words):
        amount = _signed(words, position) or _named(words.words, position, default)
        amount = amount or _corrected_figure(words.words, position, found)
        if amount:
            found.append(amount)
        position = amount.end if amount else position + 1
    return found


def _corrected_figure(words: Sequence[str], at: int, found: Sequence[_Found]) -> _Found | None:
    """The "six" of "five dollars, no, six": the currency was said before."""
    if not found or not _corrected(words[found[-1].end : at]):
        return None
    only_corrections = all(word in _CORRECTING for word in words[found[-1].end : at])
    figure = _figure(words, at) if only_corrections else None
    return _Found(figure[0], found[-1].currency, at, figure[1]) if figure else None


def _signed(words: Spoken, at: int) -> _Found | None:
    """ "$84.50", "84,50 €"."""
    sign = words.words[at]
    if not _CURRENCY_SIGN.fullmatch(sign):
        return None
    figure = _figure(words.words, at + 1)
    return _Found(figure[0], _SIGNS[sign], at, figure[1]) if figure else None


def _named(words: Sequence[str], at: int, default: str) -> _Found | None:
    """ "Forty five dollars and fifty cents", "fifty cents", "two grand", "half a dollar"."""
    figure = _vague(words, at) or _figure(words, at)
    if figure is None:
        return None
    amount, end, whole = figure
    unit = _word(words, end)
    if unit in _THOUSANDS:
        named = _NAMES.get(_word(words, end + 1))
        return _Found(amount * 1000, named or default, at, end + 2 if named else end + 1)
    if unit in _CENTS and whole and (len(unit) > 1 or is_number(words[at])):
        return _Found(amount / 100, _CENTS[unit] or default, at, end + 1)
    if unit in _SIGNS:
        return _Found(amount, _SIGNS[unit], at, end + 1)
    small = _trailing_cents(words, end) if whole else None
    if small and _word(words, small.end) in _NAMES:
        # "Three fifty dollars" is either; "forty five fifty dollars" is not.
        hundreds = amount < 10
        value = amount * 100 + small.value if hundreds else amount + Decimal(small.value) / 100
        return _Found(value, _NAMES[words[small.end]], at, small.end + 1, sure=not hundreds)
    if unit == "us":
        end, unit = end + 1, _word(words, end + 1)
    if unit not in _NAMES:
        return None
    return _with_cents(words, _Found(amount, _NAMES[unit], at, end + 1))


def _with_cents(words: Sequence[str], whole: _Found) -> _Found:
    """What follows "forty five dollars": "fifty", "and fifty cents", "and a half"."""
    start = whole.end + (_word(words, whole.end) in ("and", "with"))
    part = _PARTS.get(tuple(words[start : start + 2]))
    if part:
        return _Found(whole.amount + part, whole.currency, whole.start, start + 2)
    cents = below_hundred(words, start)
    if cents is None:
        return whole
    named = _word(words, cents.end) in _CENTS
    followed = start == whole.end and _two_digits(words, start, cents)
    if not named and not followed:
        return whole
    amount = whole.amount + Decimal(cents.value) / 100
    return _Found(amount, whole.currency, whole.start, cents.end + named)


def _figure(words: Sequence[str], at: int) -> tuple[Decimal, int, bool] | None:
    """An amount's number, the position after it, and whether it had no decimals."""
    number = _hundreds_and_cents(words, at) or cardinal(words, at)
    if number is None:
        return None
    if _word(words, number.end) not in ("point", "."):
        return _halves(words, number)
    digits, position = "", number.end + 1
    while len(digits) < 2:
        word = _word(words, position)
        if is_number(word) or word in UNITS:
            digits += word if is_number(word) else str(UNITS[word])
        elif word in ("oh", "o"):
            digits += "0"
        elif not digits and (small := below_hundred(words, position)):
            digits, position = str(small.value), small.end - 1
        else:
            break
        position += 1
    if not digits or len(digits) > 2:
        return Decimal(number.value), number.end, True
    return Decimal(f"{number.value}.{digits}"), position, False


def _hundreds_and_cents(words: Sequence[str], at: int) -> Quantity | None:
    """The "one fifty nine" of "one fifty nine ninety nine"; the cents are read after it."""
    unit = UNITS.get(words[at], 0) if at < len(words) else 0
    rest = below_hundred(words, at + 1) if unit else None
    if rest is None or not _two_digits(words, at + 1, rest):
        return None
    return Quantity(unit * 100 + rest.value, rest.end) if _trailing_cents(words, rest.end) else None


def _halves(words: Sequence[str], number: Quantity) -> tuple[Decimal, int, bool]:
    """ "Two and a half"."""
    if tuple(words[number.end : number.end + 3]) == ("and", "a", "half"):
        return number.value + Decimal("0.5"), number.end + 3, False
    return Decimal(number.value), number.end, True


def _vague(words: Sequence[str], at: int) -> tuple[Decimal, int, bool] | None:
    """ "A dollar", "a buck", "half a dollar"."""
    if tuple(words[at : at + 2]) == ("half", "a"):
        return Decimal("0.5"), at + 2, False
    following = _word(words, at + 1)
    if words[at] == "a" and (following in _NAMES or following in _THOUSANDS):
        return Decimal(1), at + 1, True
    return None


def _trailing_cents(words: Sequence[str], at: int) -> Quantity | None:
    """The "fifty" of "forty five fifty", the "oh five" of "twelve oh five"."""
    if _word(words, at) in ("oh", "o", "zero"):
        unit = UNITS.get(_word(words, at + 1), 0)
        return Quantity(unit, at + 2) if unit else None
    cents = below_hundred(words, at)
    return cents if cents and _two_digits(words, at, cents) else None


def _two_digits(words: Sequence[str], at: int, cents: Quantity) -> bool:
    word = words[at]
    return cents.value >= 10 and (word in TENS or word in TEENS or len(word) == 2)


def _corrected(between: Sequence[str]) -> bool:
    return any(phrase_at(between, position, CORRECTIONS) for position in range(len(between)))


def _word(words: Sequence[str], at: int) -> str:
    return words[at] if 0 <= at < len(words) else ""
