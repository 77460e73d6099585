"""Words to digit strings: "one double oh four", "ten oh four" and "a thousand and four" are 1004.

A run is a stretch of the sentence that is only number words. Runs are found here; which of them
the caller means is decided in `numbers`.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

MOST_CHARACTERS = 500
"""Longer input is cut: no number takes that long to say."""

_DIGITS: Mapping[str, str] = {
    "zero": "0", "oh": "0", "o": "0", "nought": "0", "naught": "0", "aught": "0", "nil": "0",
    "null": "0", "zip": "0", "one": "1", "two": "2", "three": "3", "tree": "3", "four": "4",
    "five": "5", "fife": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9", "niner": "9",
}  # fmt: skip
_SOUNDS_LIKE: Mapping[str, str] = {
    "owe": "0", "won": "1", "to": "2", "too": "2", "for": "4", "fore": "4", "ate": "8",
}  # fmt: skip
"""What a recogniser may write for a digit. At the edge of a run these are more often words."""
_TEENS: Mapping[str, int] = {
    "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15,
    "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS: Mapping[str, int] = {
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip
_REPEATS: Mapping[str, int] = {
    "double": 2, "twice": 2, "triple": 3, "treble": 3, "quadruple": 4, "thrice": 3,
}  # fmt: skip
_BETWEEN = frozenset(
    [
        "and", "then", "dash", "hyphen", "minus", "space", "dot", "point", "comma", "slash",
        "um", "uh", "er", "erm",
    ]
)  # fmt: skip
"""Said between digits without ending the number."""
_TOKEN = re.compile(r"\d+|[a-z']+")
NUMBER_WORDS = frozenset(
    [*_DIGITS, *_SOUNDS_LIKE, *_TEENS, *_TENS, *_REPEATS, "hundred", "thousand"]
)
"""Words a digit run can be made of."""
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}\b)")


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Digits said in one go.

    `optional_head` and `optional_tail` count digits at the edges that may be words after all
    ("for one zero zero four").
    """

    digits: str
    start: int
    end: int
    """Positions among `tokens`: the words between two runs tell how they relate."""
    optional_head: int = 0
    optional_tail: int = 0


def tokens(text: str) -> list[str]:
    """Lower-case words and digit groups."""
    plain = unicodedata.normalize("NFKC", text[:MOST_CHARACTERS]).lower().replace("’", "'")
    # \d also matches other scripts' digits; they become ours.
    plain = "".join(str(unicodedata.decimal(c, c)) for c in plain)
    return _TOKEN.findall(_GROUPED.sub("", plain))


def digit_runs(spoken: Sequence[str]) -> list[DigitRun]:
    """All runs of number words among `spoken`, in order."""
    runs = []
    position = 0
    while position < len(spoken):
        run = _Reader(spoken, position).read()
        if run is None:
            position += 1
        else:
            runs.append(run)
            position = run.end
    return runs


@dataclass(slots=True)
class _Reader:
    """Reads one run that begins at `position`."""

    spoken: Sequence[str]
    position: int
    pieces: list[tuple[str, bool]] = field(default_factory=list)
    """Digits, and whether they come from a word that only sounds like a digit."""

    def read(self) -> DigitRun | None:
        start, end = self.position, self.position
        while self._piece():
            end = self.position
            while self._word() in _BETWEEN:
                self.position += 1
        if not self.pieces:
            return None
        doubtful = [doubt for _, doubt in self.pieces]
        return DigitRun(
            digits="".join(digits for digits, _ in self.pieces),
            start=start,
            end=end,
            optional_head=_leading(doubtful),
            optional_tail=_leading(reversed(doubtful)),
        )

    def _word(self, ahead: int = 0) -> str:
        index = self.position + ahead
        return self.spoken[index] if index < len(self.spoken) else ""

    def _take(self, digits: str, words: int, *, doubtful: bool = False) -> bool:
        self.pieces.append((digits, doubtful))
        self.position += words
        return True

    def _piece(self) -> bool:
        """Read the next piece of the number; False when there is none."""
        word = self._word()
        if word in _REPEATS and (digit := _digit(self._word(1))):
            return self._take(digit * _REPEATS[word], 2)
        if self._cardinal():
            return True
        if word.isdigit():
            return self._take(word, 1)
        if word in _DIGITS:
            return self._take(_DIGITS[word], 1)
        if word in _SOUNDS_LIKE:
            return self._take(_SOUNDS_LIKE[word], 1, doubtful=True)
        return False

    def _cardinal(self) -> bool:
        """ "Twenty one", "twelve hundred and four", "a thousand and four"."""
        start = self.position
        value = self._below_hundred()
        if value is None:
            if self._word() == "a" and self._word(1) in ("hundred", "thousand"):
                self.position += 1
            elif self._word() not in ("hundred", "thousand"):
                return False
            value = 1
        elif self._word() not in ("hundred", "thousand"):
            # A lone digit is not a cardinal: it is read as it stands, zeros and all.
            if value >= 10 and not self.spoken[start].isdigit():
                return self._take(str(value), 0)
            self.position = start
            return False
        if self._word() == "hundred":
            self.position += 1
            value = value * 100 + self._rest(100)
        if self._word() == "thousand":
            self.position += 1
            value = value * 1000 + self._rest(1000)
        return self._take(str(value), 0)

    def _rest(self, limit: int) -> int:
        """What follows "hundred" or "thousand", if it is smaller: "and four", "two hundred"."""
        start = self.position
        joined = self._word() == "and"
        if joined:
            self.position += 1
        zeros = 0
        while limit == 1000 and self._word() in ("oh", "o", "zero") and zeros < 2:
            self.position += 1
            zeros += 1
        value = self._below_hundred()
        if value is not None and limit > 100 and self._word() == "hundred":
            self.position += 1
            value = value * 100 + self._rest(100)
        # "Eight hundred five five five": the fives are digits of their own.
        lone = value is not None and value < 10 and not joined and bool(_digit(self._word()))
        if value is None or value >= limit or lone:
            self.position = start
            return 0
        return value

    def _below_hundred(self) -> int | None:
        word = self._word()
        if word in _TENS:
            self.position += 1
            unit = _DIGITS.get(self._word(), "0")
            if unit == "0":
                return _TENS[word]
            self.position += 1
            return _TENS[word] + int(unit)
        if word in _TEENS:
            self.position += 1
            return _TEENS[word]
        if (digit := _DIGITS.get(word, "0")) != "0":
            self.position += 1
            return int(digit)
        if word.isdigit() and 0 < int(word[:4]) < 100 and len(word) < 3:
            self.position += 1
            return int(word)
        return None


def _digit(word: str) -> str:
    if len(word) == 1 and word.isdigit():
        return word
    return _DIGITS.get(word) or _SOUNDS_LIKE.get(word, "")


def _leading(flags: Iterator[bool] | Sequence[bool]) -> int:
    count = 0
    for flag in flags:
        if not flag:
            break
        count += 1
    return count
