"""Text as words that remember where they stood."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST_CHARACTERS = 500
"""Longer input is cut: nobody takes that long to say one value."""

_WORD = r"[^\W\d_]+(?:'[^\W\d_]+)*"
_TOKEN = re.compile(rf"\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d+|{_WORD}|[^\w\s]|_")
_FILLERS = frozenset({"um", "uh", "er", "erm", "uhm", "ah", "hmm", "mm"})
CORRECTIONS: tuple[tuple[str, ...], ...] = (
    ("no",), ("nope",), ("sorry",), ("wait",), ("actually",), ("correction",), ("oops",),
    ("rather",), ("i", "mean"), ("scratch", "that"), ("make", "that"), ("make", "it"),
    ("i", "meant"), ("wrong",), ("again",),
)  # fmt: skip
"""Said between a slip and what was meant."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Lower-case words and numbers in order; `span` finds them in the text again."""

    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Characters of the words from `start` up to, not including, `end`."""
        return self.spans[start][0], self.spans[end - 1][1]


def spoken(text: str, marks: str = "") -> Spoken:
    """Cut a text into words. Hesitations go, and so does every mark that is not in `marks`."""
    plain = "".join(map(_plain, text[:MOST_CHARACTERS]))
    words, spans = [], []
    for match in _TOKEN.finditer(plain):
        word = match.group()
        if word in _FILLERS or not (word[0].isalnum() or word in marks):
            continue
        words.append(word.replace(",", "") if len(word) > 1 else word)
        spans.append(match.span())
    return Spoken(tuple(words), tuple(spans))


def phrase_at(words: Sequence[str], position: int, phrases: Iterable[tuple[str, ...]]) -> int:
    """How many words the longest of `phrases` takes that stands at `position`; 0 without one."""
    lengths = (
        len(phrase)
        for phrase in phrases
        if tuple(words[position : position + len(phrase)]) == phrase
    )
    return max(lengths, default=0)


def phrases(text: str) -> tuple[tuple[str, ...], ...]:
    """ "a b; c" as phrases of words."""
    return tuple(tuple(phrase.split()) for phrase in text.split(";"))


def is_number(word: str) -> bool:
    """Whether a word is written in figures."""
    return word.isascii() and word.isdigit()


def _plain(char: str) -> str:
    """One character for one, so that positions stay: lower case, ASCII digits and quotes."""
    if char in "’‘`´":
        return "'"
    lower = unicodedata.normalize("NFKC", char).lower()
    if len(lower) != 1:
        return char
    return str(unicodedata.decimal(lower, lower))
