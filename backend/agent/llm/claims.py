"""What a sentence claims that can be looked up: numbers, prices, dates, names, and deeds.

Meant for what a language model writes, so in doubt something is a claim.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from backend.agent.llm import claim_words as lists
from backend.agent.slots.cardinals import UNITS as DIGIT_WORDS
from backend.agent.slots.cardinals import cardinal, ordinal
from backend.agent.slots.lexicon import common_words, names

_LINK = (
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|https?://\S+"
    r"|[^\W_][\w-]*(?:\.[^\W_][\w-]*)*\.[^\W\d_]{2,}(?:/\S*)?"
)
_TOKEN = re.compile(
    rf"(?P<link>{_LINK})"
    r"|(?P<date>\d{1,4}(?:/\d{1,4}){1,2}|\d{1,4}-\d{1,2}-\d{1,4})"
    r"|(?P<digits>\+?\d(?:[ ().-]{0,2}\d){6,})"
    r"|(?P<clock>\d{1,2}:\d{2})"
    r"|(?P<figure>\d+(?:,\d{3})*(?:\.\d+)?)"
    r"|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)"
    r"|(?P<sign>[$€£¥₹%])"
)
_HALF_OF_THE_DAY = re.compile(r"\b([ap])\.?\s?m\b\.?", re.IGNORECASE)
_DEED = (
    r"(?:refund|cancel|transfer|book|schedul|open|creat|sen[dt]|credit|upgrad|downgrad|chang|updat"
    r"|delet|activat|deactivat|order|process|arrang|connect|put|not[ei]|regist|log|charg|forward"
    r"|escalat|dispatch|waiv|reset|verif|approv|issu|appl|add|remov|call|email|text|switch|fix"
    r"|unlock|block|hang|mak|made|giv|tak|do\b|done)\w*"
)
_DEEDS = re.compile(
    rf"\b(?:i|we)(?:'ve| have|'ll| will)(?: \w+){{0,2}}? {_DEED}"
    r"|\b(?:i|we)(?:'m| am|'re| are)(?: \w+){0,2}? (?:going to|\w+ing)\b"
    rf"|\b(?:has|have)(?: now| just| already)? been(?: \w+)? {_DEED}"
    rf"|\bi (?:just |now |already )?(?:refunded|cancelled|canceled|transferred|booked|opened|sent"
    r"|credited|upgraded|changed|scheduled|updated)\b"
    r"|\w+\((?:[^)]*)\)|[{}<>]"
)
"""Also what looks like a call of a program: it is nothing to say aloud."""
_POINT = "point"
_SHORTEST_DIGIT_RUN = 3


class ClaimKind(StrEnum):
    """What sort of thing is claimed."""

    NUMBER = "number"
    PRICE = "price"
    DATE = "date"
    NAME = "name"
    DEED = "deed"
    """Something is said to be done or promised; only policies do things."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing claimed. It holds when any of `readings` is known ("nineteen ninety" has two)."""

    kind: ClaimKind
    readings: frozenset[str]
    at: int = field(compare=False, default=0)
    """Its place among the words of the sentence."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, figure or sign; `text` as it is written, `word` in lower case."""

    text: str
    word: str
    sort: str
    joined: bool
    """Nothing but a space or hyphen stands before it."""
    begins: bool
    """It begins a sentence, where a capital says nothing."""


def tokens(text: str) -> tuple[Token, ...]:
    """Words, figures and signs of a text, with full-width and curly characters made plain."""
    plain = unicodedata.normalize("NFKC", text).replace("’", "'").replace("‘", "'")
    plain = _HALF_OF_THE_DAY.sub(lambda half: f"{half[1].lower()}m", plain)
    found: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(plain):
        between = plain[end : match.start()]
        joined = between in ("", " ", "-", "‑", "–")
        begins = not found or any(mark in between for mark in ".!?:…\n")
        end = match.end()
        word = match.group().lower()
        if match.lastgroup == "figure":
            word = word.replace(",", "")
        elif match.lastgroup == "word":
            word = word.removesuffix("'s")
        found.append(Token(match.group(), word, str(match.lastgroup), joined, begins))
    return tuple(found)


def claims(text: str, plain_words: frozenset[str] = frozenset()) -> tuple[Claim, ...]:
    """Everything `text` claims, in order. `plain_words` are known to be no names."""
    return tuple(_Reader(text, plain_words).read())


class _Reader:
    """Reads one sentence from left to right; each method takes what begins at `at`, if it can."""

    def __init__(self, text: str, plain_words: frozenset[str]) -> None:
        self._tokens = tokens(text)
        self._words = [token.word for token in self._tokens]
        self._plain_words = plain_words
        self._text = " ".join(unicodedata.normalize("NFKC", text).replace("’", "'").lower().split())
        self._about_cost = not lists.COST_WORDS.isdisjoint(self._words)
        self._lower_case = not any(token.text != token.word for token in self._tokens[1:])

    def read(self) -> Iterator[Claim]:
        at = 0
        while at < len(self._tokens):
            claim, at = self._literal(at) or self._date(at) or self._amount(at) or self._other(at)
            if claim:
                yield claim
        if _DEEDS.search(self._text):
            yield Claim(ClaimKind.DEED, frozenset(), len(self._tokens))

    def _word(self, at: int) -> str:
        return self._words[at] if 0 <= at < len(self._words) else ""

    # Things written in one piece

    def _literal(self, at: int) -> tuple[Claim | None, int] | None:
        token = self._tokens[at]
        match token.sort:
            case "link":
                return _claim(ClaimKind.NAME, token.word.rstrip("/."), at=at), at + 1
            case "date" | "clock":
                return _claim(ClaimKind.DATE, token.word, at=at), at + 1
            case "digits":
                digits = "".join(filter(str.isdigit, token.word))
                return _claim(ClaimKind.NUMBER, f"#{digits}", at=at), at + 1
        return self._spoken_digits(at) or self._spoken_link(at)

    def _spoken_digits(self, at: int) -> tuple[Claim | None, int] | None:
        """ "Five five five, oh one four two" """
        end, digits = at, ""
        while (word := self._word(end)) in DIGIT_WORDS or (word == "oh" and digits):
            digits += str(DIGIT_WORDS.get(word, 0))
            end += 1
        if end - at < _SHORTEST_DIGIT_RUN:
            return None
        return _claim(ClaimKind.NUMBER, f"#{digits}", at=at), end

    def _spoken_link(self, at: int) -> tuple[Claim | None, int] | None:
        """ "Acme dot com" """
        if self._word(at + 1) != "dot" or not self._word(at + 2):
            return None
        return _claim(ClaimKind.NAME, f"{self._word(at)}.{self._word(at + 2)}", at=at), at + 3

    # Dates

    def _date(self, at: int) -> tuple[Claim | None, int] | None:
        word, following = self._word(at), self._word(at + 1)
        if day := self._month_and_day(at):
            return day
        if self._month(at):
            return _claim(ClaimKind.DATE, self._month(at), at=at), at + 1
        if weekday := self._weekday(at):
            return _claim(ClaimKind.DATE, weekday, at=at), at + 1
        if place := self._day_of_month(at):
            return place
        if word in lists.SHIFTS and following in lists.PERIODS:
            return _claim(ClaimKind.DATE, f"{word} {following}", at=at), at + 2
        if word in lists.MOMENTS:
            return _claim(ClaimKind.DATE, word.removesuffix("s"), at=at), at + 1
        return None

    def _month_and_day(self, at: int) -> tuple[Claim | None, int] | None:
        """ "December 1st", "1 December", "the first of December" """
        month = self._month(at, beside_number=True)
        if month:
            start = at + 1 + (self._word(at + 1) == "the")
            day = ordinal(self._words, start) or cardinal(self._words, start)
            if day and day.value <= 31 and self._tokens[start].joined:
                end = day.end + (self._word(day.end) in ("st", "nd", "rd", "th"))
                return _claim(ClaimKind.DATE, f"{month} {day.value}", at=at), end
            return None
        day = ordinal(self._words, at) or cardinal(self._words, at)
        if not day or day.value > 31:
            return None
        end = day.end + (self._word(day.end) == "of")
        month = self._month(end, beside_number=True)
        return (_claim(ClaimKind.DATE, f"{month} {day.value}", at=at), end + 1) if month else None

    def _day_of_month(self, at: int) -> tuple[Claim | None, int] | None:
        """ "On the third", "the first of the month" """
        day = ordinal(self._words, at)
        if not day or day.value > 31 or self._word(at - 1) != "the":
            return None
        is_day = self._word(at - 2) in lists.BEFORE_A_DAY
        if not is_day and self._words[day.end : day.end + 1] != ["of"]:
            return None
        return _claim(ClaimKind.DATE, f"day {day.value}", at=at), day.end

    def _month(self, at: int, *, beside_number: bool = False) -> str:
        word = self._word(at)
        if word in lists.ALSO_WORDS:
            token = self._tokens[at]
            is_named = not token.begins and token.text[0].isupper()
            return word if is_named or (beside_number and self._numbered(at)) else ""
        if word in lists.MONTHS:
            return word
        is_short = bool(word) and self._tokens[at].text[0].isupper()
        return lists.SHORT_MONTHS.get(word, "") if is_short else ""

    def _numbered(self, at: int) -> bool:
        near = (at - 2, at - 1, at + 1)
        return any(
            cardinal(self._words, place) or ordinal(self._words, place)
            for place in near
            if place >= 0
        )

    def _weekday(self, at: int) -> str:
        word = self._word(at)
        if word.removesuffix("s") in lists.WEEKDAYS:
            return word.removesuffix("s")
        is_short = self._tokens[at].text[0].isupper()
        return lists.SHORT_WEEKDAYS.get(word, "") if is_short else ""

    # Numbers and prices

    def _amount(self, at: int) -> tuple[Claim | None, int] | None:
        word = self._word(at)
        if word in lists.CURRENCIES:
            numbers, end = self._numbers(at + 1)
            if not numbers:
                return _claim(ClaimKind.PRICE, "some money", at=at), at + 1
            return _price(lists.CURRENCIES[word], _readings(numbers), at), self._past_unit(end)
        if word in lists.QUANTITIES:
            return _claim(ClaimKind.NUMBER, word.removesuffix("s"), at=at), at + 1
        if free := self._free(at):
            return free
        numbers, end = self._numbers(at)
        return self._counted(at, numbers, end) if numbers else None

    def _free(self, at: int) -> tuple[Claim | None, int] | None:
        word, before, following = self._word(at), self._word(at - 1), self._word(at + 1)
        if word == "free" and before not in ("feel", "toll", "hands") and following != "to":
            return _claim(ClaimKind.PRICE, "free", at=at), at + 1
        if word == "nothing" and self._about_cost:
            return _claim(ClaimKind.PRICE, "free", at=at), at + 1
        if word in lists.FREE_WORDS:
            return _claim(ClaimKind.PRICE, lists.FREE_WORDS[word], at=at), at + 1
        if word in ("no", "without"):
            end = at + 1 + (following in ("extra", "additional", "added", "any"))
            if self._word(end) in lists.COST_WORDS:
                return _claim(ClaimKind.PRICE, "free", f"no {self._word(end)}", at=at), end + 1
        return None

    def _numbers(self, at: int) -> tuple[list[Decimal], int]:
        """Numbers said one after the other: "forty five fifty" is two of them."""
        found: list[Decimal] = []
        end = at
        while end < len(self._tokens) and (not found or self._tokens[end].joined):
            number = self._number(end)
            if number is None:
                break
            found.append(number[0])
            end = number[1]
        return found, end

    def _number(self, at: int) -> tuple[Decimal, int] | None:
        word = self._word(at)
        whole = cardinal(self._words, at)
        if whole:
            value, end = Decimal(whole.value), whole.end
        elif self._tokens[at].sort == "figure":
            value, end = Decimal(word), at + 1
        elif word not in ("first", "second", "third") and (place := ordinal(self._words, at)):
            value, end = Decimal(place.value), place.end
        else:
            return None
        if self._word(end) == _POINT:
            decimals = ""
            while self._word(end + 1) in DIGIT_WORDS or self._word(end + 1).isdigit():
                end += 1
                decimals += str(DIGIT_WORDS.get(self._word(end), self._word(end)))
            value, end = (Decimal(f"{value}.{decimals}"), end + 1) if decimals else (value, end)
        if self._word(end) in ("k", "grand"):
            value, end = value * 1000, end + 1
        if self._word(end) in ("st", "nd", "rd", "th") and self._tokens[end].joined:
            end += 1
        return value, end

    def _counted(self, at: int, numbers: list[Decimal], end: int) -> tuple[Claim | None, int]:
        """What a number counts: money, days, megabits, or nothing in particular."""
        if self._word(end) in lists.CURRENCIES:
            currency = lists.CURRENCIES[self._word(end)]
            cents, after = self._numbers(end + 1 + (self._word(end + 1) == "and"))
            is_cents = len(cents) == 1 and cents[0] < 100
            if is_cents and (self._word(after) in lists.CENTS or self._word(end + 1) != "and"):
                after += self._word(after) in lists.CENTS
                return _price(currency, {_figure(numbers[-1] + cents[0] / 100)}, at), after
            return _price(currency, _readings(numbers), at), end + 1
        if self._word(end) in lists.CENTS:
            return _price("", {_figure(numbers[-1] / 100)}, at), end + 1
        counted = end
        while self._word(counted) in lists.BEFORE_UNITS:
            counted += 1
        unit = lists.UNITS.get(self._word(counted))
        if unit:
            readings = {f"{value} {unit}" for value in _readings(numbers)}
            return Claim(ClaimKind.NUMBER, frozenset(readings), at), counted + 1
        if self._word(at) == "one" and end == at + 1 and not self._about_cost:
            return None, end  # "that one", "one of them"
        kind = ClaimKind.PRICE if self._about_cost else ClaimKind.NUMBER
        return Claim(kind, frozenset(_readings(numbers)), at), end

    def _past_unit(self, end: int) -> int:
        return end + (self._word(end) in lists.CURRENCIES)

    # Names

    def _other(self, at: int) -> tuple[Claim | None, int]:
        end = at
        while end < len(self._tokens) and self._is_name(end) and (end == at or self._joins(end)):
            end += 1
        if end == at:
            return None, at + 1
        return _claim(ClaimKind.NAME, " ".join(self._words[at:end]), at=at), end

    def _joins(self, at: int) -> bool:
        """Whether a name goes on here; days, months and numbers end it."""
        return self._tokens[at].joined and not self._date(at) and not self._numbers(at)[0]

    def _is_name(self, at: int) -> bool:
        token = self._tokens[at]
        word = token.word
        if token.sort != "word" or word in lists.NO_NAMES or word in self._plain_words:
            return False
        if self._word(at - 1) in lists.TITLES:
            return True
        if token.text != token.text.lower():
            return not (token.begins and word in lists.OPENERS)
        if not word.isascii() and not any(letter.islower() for letter in word):
            return True  # a script without capitals
        is_given_name = word in names() and word not in lists.LOWER_CASE_WORDS
        is_common = word in common_words() or word in lists.OPENERS
        # A model that writes no capitals at all hides its names among words nobody knows.
        return not is_common and (is_given_name or self._lower_case)


def _claim(kind: ClaimKind, *readings: str, at: int) -> Claim:
    return Claim(kind, frozenset(readings), at)


def _price(currency: str, amounts: set[str], at: int) -> Claim:
    return Claim(ClaimKind.PRICE, frozenset(f"{currency} {each}".strip() for each in amounts), at)


def _readings(numbers: Sequence[Decimal]) -> set[str]:
    """The values numbers in a row can stand for together."""
    if len(numbers) == 1:
        return {_figure(numbers[0])}
    together = "".join(_figure(number) for number in numbers)
    readings = {f"#{together}", together}
    if len(numbers) == 2 and 10 <= numbers[1] < 100:
        readings |= {_figure(numbers[0] + numbers[1] / 100), f"{numbers[0]}:{numbers[1]}"}
    return readings


def _figure(number: Decimal) -> str:
    plain = f"{number.normalize():f}"
    return plain if plain != "-0" else "0"
