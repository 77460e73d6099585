"""Amounts of money."""

import re
from dataclasses import dataclass

from backend.tts.speakable.numerals import cardinal, number, spell_digits


@dataclass(frozen=True, slots=True)
class _Currency:
    one: str
    many: str
    cent: str = ""
    cents: str = ""


_DOLLAR = ("cent", "cents")
_CURRENCIES = {
    "USD": _Currency("dollar", "dollars", *_DOLLAR),
    "GBP": _Currency("pound", "pounds", "penny", "pence"),
    "EUR": _Currency("euro", "euros", *_DOLLAR),
    "JPY": _Currency("yen", "yen"),
    "INR": _Currency("rupee", "rupees", "paisa", "paise"),
    "CNY": _Currency("yuan", "yuan"),
    "KRW": _Currency("won", "won"),
    "CAD": _Currency("Canadian dollar", "Canadian dollars", *_DOLLAR),
    "AUD": _Currency("Australian dollar", "Australian dollars", *_DOLLAR),
    "NZD": _Currency("New Zealand dollar", "New Zealand dollars", *_DOLLAR),
    "CHF": _Currency("Swiss franc", "Swiss francs", "centime", "centimes"),
    "SEK": _Currency("Swedish krona", "Swedish kronor", "öre", "öre"),
    "NOK": _Currency("Norwegian krone", "Norwegian kroner", "øre", "øre"),
    "DKK": _Currency("Danish krone", "Danish kroner", "øre", "øre"),
    "PLN": _Currency("zloty", "zloty", "grosz", "groszy"),
    "MXN": _Currency("Mexican peso", "Mexican pesos", "centavo", "centavos"),
    "BRL": _Currency("real", "reais", "centavo", "centavos"),
}
_SYMBOLS = {
    "US$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD",
    "MX$": "MXN", "R$": "BRL", "$": "USD", "£": "GBP", "€": "EUR", "¥": "JPY", "₹": "INR",
}  # fmt: skip
_SCALES = {
    "k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion",
    "thousand": "thousand", "million": "million", "billion": "billion", "trillion": "trillion",
}  # fmt: skip

_AMOUNT = r"\d+(?:[.,]\d+)*"
_SCALE = r"(?:\s?(thousand|million|billion|trillion|[kKmMbB]n?)\b)?"
_SIGN = "|".join(re.escape(symbol) for symbol in sorted(_SYMBOLS, key=len, reverse=True))
_CODE = "|".join(_CURRENCIES)
_BEFORE = re.compile(
    rf"(?<![\w$])(-\s?)?(?:({_SIGN})|\b({_CODE}))\s?(-?)({_AMOUNT})"
    rf"(?:\s?-\s?(?:{_SIGN})?({_AMOUNT}))?{_SCALE}(?:\s(?:{_CODE})\b)?"
)
_AFTER = re.compile(rf"(?<![\w.,])(-)?({_AMOUNT}){_SCALE}\s?(?:([£€¥₹])|({_CODE})\b)")
_CENTS = re.compile(r"(?<![\w.,])(\d+)\s?¢")
_GROUPED_DOTS = re.compile(r"\d{1,3}(?:\.\d{3})+,\d{1,2}|\d{1,3}(?:\.\d{3}){2,}")
_DECIMAL_COMMA = re.compile(r"\d+,\d{2}")


def with_money_spoken(text: str) -> str:
    """`$42.50` → `forty-two dollars and fifty cents`; sign or code on either side, ranges."""
    if not any(char.isdigit() for char in text):
        return text
    text = _CENTS.sub(lambda match: _counted(int(match[1]), "cent", "cents"), text)
    text = _BEFORE.sub(_sign_first, text)
    return _AFTER.sub(_sign_last, text)


def _sign_first(match: re.Match[str]) -> str:
    currency = _CURRENCIES[match[3] or _SYMBOLS[match[2]]]
    minus = "minus " if match[1] or match[4] else ""
    if match[6]:
        low, high = _plain(match[5])[0], match[6]
        return f"{minus}{number(low)} to {_spoken(high, match[7], currency)}"
    return minus + _spoken(match[5], match[7], currency)


def _sign_last(match: re.Match[str]) -> str:
    currency = _CURRENCIES[match[5] or _SYMBOLS[match[4]]]
    return ("minus " if match[1] else "") + _spoken(match[2], match[3], currency)


def _spoken(amount: str, scale: str | None, currency: _Currency) -> str:
    whole, fraction = _plain(amount)
    if scale:
        words = number(f"{whole}.{fraction}" if fraction else whole)
        return f"{words} {_SCALES[scale.lower()]} {currency.many}"
    if len(fraction) > 2 or (fraction and not currency.cent):
        return f"{number(whole)} point {spell_digits(fraction)} {currency.many}"
    cents = int(fraction.ljust(2, "0")) if fraction else 0
    if not cents:
        return _counted_text(whole, currency)
    small = _counted(cents, currency.cent, currency.cents)
    return small if not int(whole) else f"{_counted_text(whole, currency)} and {small}"


def _plain(amount: str) -> tuple[str, str]:
    """Whole and fractional digits of `1,234.56`, `1.234,56`, `42,50` or `42.5`."""
    if _GROUPED_DOTS.fullmatch(amount):
        amount = amount.replace(".", "").replace(",", ".")
    elif _DECIMAL_COMMA.fullmatch(amount):
        amount = amount.replace(",", ".")
    whole, _, fraction = amount.replace(",", "").partition(".")
    return whole, fraction.replace(".", "")


def _counted_text(whole: str, currency: _Currency) -> str:
    return f"{number(whole)} {currency.one if whole == '1' else currency.many}"


def _counted(count: int, one: str, many: str) -> str:
    return f"{cardinal(count)} {one if count == 1 else many}"
