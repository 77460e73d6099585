"""Spelled letters: "j o h n", "s as in sam", "double l", "bravo india", and how letters sound."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_NATO = frozenset(
    """alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike
    november oscar papa quebec romeo sierra tango uniform victor whiskey whisky xray yankee
    zulu""".split()
)
_LETTER_NAMES: Mapping[str, str] = {
    "bee": "b", "see": "c", "sea": "c", "cee": "c", "dee": "d", "eff": "f", "ef": "f", "gee": "g",
    "aitch": "h", "haitch": "h", "eye": "i", "jay": "j", "kay": "k", "ell": "l", "el": "l",
    "em": "m", "en": "n", "oh": "o", "pee": "p", "cue": "q", "queue": "q", "ar": "r", "ess": "s",
    "es": "s", "tee": "t", "tea": "t", "vee": "v", "ex": "x", "wye": "y", "zee": "z", "zed": "z",
    "are": "r", "you": "u", "why": "y", "be": "b", "ay": "a",
}  # fmt: skip
"""What a recogniser writes for a letter."""
_WORDS_TOO = frozenset({"see", "sea", "be", "are", "you", "why", "oh", "eye", "tea", "jay", "kay"})
_REPEATS: Mapping[str, int] = {"double": 2, "triple": 3, "treble": 3}
_CASES = frozenset({"capital", "uppercase", "lowercase", "cap"})
_SURE_LETTERS = 2


@dataclass(frozen=True, slots=True)
class Spelled:
    """Letters said one by one from one position on; `end` is the position after them."""

    letters: str
    end: int


def spelled_at(words: Sequence[str], at: int) -> Spelled | None:
    """The longest run of spelled letters from `at` on; None for fewer than two.

    Words that only sound like letters ("are you") count beside real letters only.
    """
    letters, position, sure = "", at, 0
    while item := _letter(words, position):
        letter, end, certain = item
        letters += letter
        position = end
        sure += certain
    if len(letters) < _SURE_LETTERS or sure < _SURE_LETTERS:
        return None
    return Spelled(letters, position)


def one_letter(words: Sequence[str], at: int) -> Spelled | None:
    """A single letter, as in "apartment b" or "b as in boy"."""
    item = _letter(words, at)
    return Spelled(item[0], item[1]) if item and item[2] else None


def _letter(words: Sequence[str], at: int) -> tuple[str, int, bool] | None:
    """One letter, the position after it, and whether it can be nothing else."""
    word = _word(words, at)
    if word in _CASES:
        return _letter(words, at + 1)
    if word == "double" and _word(words, at + 1) in ("u", "you", "yu"):
        return "w", at + 2, True
    if word in _REPEATS:
        repeated = _plain_letter(_word(words, at + 1))
        return (repeated * _REPEATS[word], at + 2, True) if repeated else None
    letter = _plain_letter(word)
    example = _example(words, at + 1)
    if example:
        initial, end = example
        sounds_like_it = not letter or letter == initial
        # The example is the surer of the two: that is what it is for.
        return (initial, end, True) if letter or sounds_like_it else None
    if letter:
        return letter, at + 1, len(word) == 1 or word not in _WORDS_TOO
    # One alone is a word or a name: "mike m i k e".
    if word in _NATO and (_word(words, at - 1) in _NATO or _word(words, at + 1) in _NATO):
        return word[0], at + 1, True
    if word == "x" and _word(words, at + 1) == "ray":
        return "x", at + 2, True
    return None


def _example(words: Sequence[str], at: int) -> tuple[str, int] | None:
    """ "As in sam", "for sam", "like sam": its first letter."""
    if tuple(words[at : at + 2]) in (("as", "in"), ("is", "for"), ("as", "for")):
        at += 2
    elif _word(words, at) in ("for", "like"):
        at += 1
    else:
        return None
    example = _word(words, at)
    known = len(example) > 1 and example[0].isalpha() and _plain_letter(_word(words, at)) == ""
    return (example[0], at + 1) if known else None


def _plain_letter(word: str) -> str:
    return word if len(word) == 1 and word.isalpha() else _LETTER_NAMES.get(word, "")


def _word(words: Sequence[str], at: int) -> str:
    return words[at] if 0 <= at < len(words) else ""
