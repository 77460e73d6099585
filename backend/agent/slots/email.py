"""E-mail addresses, spoken ("john dot doe at g mail dot com") and typed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.agent.slots.slot import CERTAIN, GUESSED, LIKELY, SlotValue
from backend.agent.slots.spelling import one_letter, spelled_at
from backend.agent.slots.spoken import CORRECTIONS, MOST_CHARACTERS, phrase_at, spoken
from backend.agent.slots.spoken_digits import digit_runs

_TYPED = re.compile(
    r"(?<![\w.+-])([a-z0-9][\w.+-]{0,63})@((?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,24})(?![\w-])",
    re.IGNORECASE,
)
_MARKS: Mapping[str, str] = {
    "dot": ".", "period": ".", "point": ".", ".": ".", "underscore": "_", "_": "_", "dash": "-",
    "hyphen": "-", "minus": "-", "-": "-", "plus": "+", "+": "+",
}  # fmt: skip
_TOP_LEVEL = frozenset(
    """com org net edu gov io co uk de fr ca au us info biz me app dev example at ch nl be it es
    ie nz eu in jp br mx se no dk fi pl pt online shop site tech ai tv name int mil""".split()
)
_PROVIDERS: Mapping[str, str] = {
    "gmail": "gmail.com", "googlemail": "googlemail.com", "hotmail": "hotmail.com",
    "outlook": "outlook.com", "yahoo": "yahoo.com", "icloud": "icloud.com", "aol": "aol.com",
    "protonmail": "protonmail.com", "comcast": "comcast.net", "verizon": "verizon.net",
}  # fmt: skip
_SPOKEN_PROVIDERS: Mapping[tuple[str, ...], str] = {
    ("g", "mail"): "gmail", ("gee", "mail"): "gmail", ("hot", "mail"): "hotmail",
    ("i", "cloud"): "icloud", ("eye", "cloud"): "icloud", ("out", "look"): "outlook",
    ("proton", "mail"): "protonmail", ("a", "o", "l"): "aol", ("google", "mail"): "googlemail",
    ("ya", "hoo"): "yahoo",
}  # fmt: skip
_BEFORE_AN_ADDRESS = frozenset(
    """is it's its email mail address to at on that's that yes yeah sure so okay ok um it reach use
    using with my would be will under and i i'm the please well send write me have got e was
    mine gonna try use's spelled""".split()
)
_SAID_ABOUT_IT = (
    ("all", "one", "word"), ("one", "word"), ("no", "spaces"), ("all", "lower", "case"),
    ("all", "lowercase"), ("lower", "case"), ("lowercase",), ("all", "together"), ("the", "number"),
    ("in", "small", "letters"), ("no", "space"), ("sign",), ("the", "word"), ("the", "numbers"),
    ("all", "small", "letters"), ("the", "digits"), ("number",), ("small", "letters"),
)  # fmt: skip
"""Words about the address that are no part of it."""
_NOT_DIGITS = frozenset({"o", "oh", "to", "too", "for", "fore", "won", "ate", "owe"})
"""Heard as digits in a number, but letters or words at the beginning of a name."""
_MOST_LABELS = 5
_MOST_WORDS = 14


@dataclass(frozen=True, slots=True)
class _Domain:
    name: str
    end: int
    sure: bool = True


class EmailReader:
    """Addresses are lower case: nobody can hear the difference, and no provider makes one."""

    def read(self, text: str) -> SlotValue[str] | None:
        """The last address in the text."""
        typed = list(_TYPED.finditer(text[:MOST_CHARACTERS]))
        if typed:
            match = typed[-1]
            return _value(match[0].lower(), CERTAIN, match.span())
        words = spoken(text, "@.+-_")
        for position in reversed(range(1, len(words.words))):
            if words.words[position] not in ("at", "@"):
                continue
            domain = _domain(words.words, position + 1)
            local = _local(words.words, position) if domain else None
            if domain and local:
                name, start, sure = local
                domain = _corrected(words.words, domain)
                confidence = CERTAIN if sure and domain.sure else LIKELY if sure else GUESSED
                span = words.span(start, domain.end)
                return _value(f"{name}@{domain.name}", min(confidence, LIKELY), span)
        return None

    def keyed(self, keys: str) -> SlotValue[str] | None:
        """Nobody keys an address."""
        del keys
        return None


def _value(address: str, confidence: float, span: tuple[int, int]) -> SlotValue[str]:
    local, _, domain = address.partition("@")
    return SlotValue(
        address, confidence, span, f"{_apart(local)} at {domain.replace('.', ' dot ')}"
    )


def _apart(local: str) -> str:
    """Letter by letter with its marks by name: that is how it can be checked."""
    names = {".": "dot", "_": "underscore", "-": "dash", "+": "plus"}
    return ", ".join(
        names[part] if part in names else " ".join(part.upper())
        for part in re.split(r"([._+-])", local)
        if part
    )


def _domain(words: Sequence[str], at: int) -> _Domain | None:
    """ "Example dot co dot uk", "g mail dot com", "gmail"."""
    at += phrase_at(words, at, _SAID_ABOUT_IT)
    labels: list[str] = []
    position = at
    while len(labels) < _MOST_LABELS:
        label, position = _label(words, position)
        if not label:
            break
        labels.append(label)
        if _word(words, position) not in ("dot", ".", "point", "period"):
            break
        position += 1
    if len(labels) > 1 and labels[-1] in _TOP_LEVEL:
        return _Domain(".".join(labels), position)
    if labels and labels[0] in _PROVIDERS and len(labels) == 1:
        following = _word(words, position)
        if following == "com":
            return _Domain(f"{labels[0]}.com", position + 1)
        return _Domain(_PROVIDERS[labels[0]], position, sure=False)
    return None


def _label(words: Sequence[str], at: int) -> tuple[str, int]:
    """One part of a domain, up to the next dot: words and letters run together."""
    position, label = at, ""
    length = phrase_at(words, position, _SPOKEN_PROVIDERS)
    if length:
        return _SPOKEN_PROVIDERS[tuple(words[position : position + length])], position + length
    while position < len(words) and position - at < _MOST_WORDS:
        word = words[position]
        mark = _MARKS.get(word)
        spelled = spelled_at(words, position)
        if mark == "." or word in ("at", "@"):
            break
        if word in _TOP_LEVEL and not label:
            return word, position + 1
        if mark:
            label, position = label + mark, position + 1
        elif spelled and "dot" not in words[position : spelled.end]:
            label, position = label + spelled.letters, spelled.end
        else:
            label, position = label + word, position + 1
        if label in _PROVIDERS or _ends_here(words, position, label):
            break
    return label, position


def _ends_here(words: Sequence[str], at: int, label: str) -> bool:
    """Whether no dot follows any more: the label was the last one."""
    return label in _TOP_LEVEL and "dot" not in words[at : at + 2] and "." not in words[at : at + 2]


def _local(words: Sequence[str], at: int) -> tuple[str, int, bool] | None:
    """What stands before the "at" at position `at`: name, its first position, whether sure."""
    start = at
    while start > 0 and at - start < _MOST_WORDS * 2:
        joined = _word(words, start) in _MARKS and start < at
        corrected = _phrase_ending(words, start, CORRECTIONS)
        if not joined and (corrected or _introduces(words, start - 1)):
            break
        start -= 1
    while start < at and words[start] in _MARKS:
        start += 1
    name = _joined(words[start:at])
    plain = re.fullmatch(r"[a-z0-9](?:[a-z0-9._+-]{0,62}[a-z0-9_])?", name)
    if not plain or ".." in name:
        return None
    # A name of many words is more likely a sentence.
    loose = sum(word not in _MARKS and len(word) > 1 for word in words[start:at])
    return name, start, loose <= 4


def _introduces(words: Sequence[str], at: int) -> bool:
    """Whether the word at `at` only leads up to an address."""
    word = words[at]
    if word == "i":
        return len(_word(words, at + 1)) > 1 and len(_word(words, at - 1)) != 1
    if word == "e":
        return _word(words, at + 1) in ("mail", "mails")
    if word == "the":
        return at == 0 or words[at - 1] in _BEFORE_AN_ADDRESS
    return word in _BEFORE_AN_ADDRESS


def _phrase_ending(words: Sequence[str], end: int, candidates: Sequence[tuple[str, ...]]) -> int:
    """How many words the phrase takes that ends just before `end`; 0 without one."""
    return max(
        (
            len(phrase)
            for phrase in candidates
            if len(phrase) <= end and tuple(words[end - len(phrase) : end]) == phrase
        ),
        default=0,
    )


def _joined(words: Sequence[str]) -> str:
    """The words, letters, digits and marks of a name run together."""
    name, position, last_word = "", 0, ""
    while position < len(words):
        length = phrase_at(words, position, _SAID_ABOUT_IT)
        spelled = spelled_at(words, position)
        if words[position] == "double" and not spelled:
            spelled = one_letter(words, position)
        runs = digit_runs(words[position:])
        if length:
            position += length
        elif words[position] in _MARKS:
            name += _MARKS[words[position]]
            position += 1
            last_word = ""
        elif spelled:
            # "Doe, d o e": the spelling says how the word before it is written.
            if last_word and _says_again(last_word, spelled.letters):
                name = name[: -len(last_word)]
            name += spelled.letters
            position, last_word = spelled.end, ""
        elif runs and runs[0].start == 0 and words[position] not in _NOT_DIGITS:
            digits = _own_digits(words, position)
            name += digits[0]
            position, last_word = digits[1], ""
        else:
            last_word = words[position].replace("'", "")
            name += last_word
            position += 1
    return name


def _own_digits(words: Sequence[str], at: int) -> tuple[str, int]:
    """Digits up to the next mark: "dot" between digits is a dot here."""
    end = at
    while end < len(words) and words[end] not in _MARKS:
        end += 1
    run = digit_runs(words[at:end])[0]
    return run.digits, at + run.end


def _says_again(word: str, letters: str) -> bool:
    """Whether `letters` spell something like `word`."""
    return word[0] == letters[0] and abs(len(word) - len(letters)) <= 2


def _corrected(words: Sequence[str], domain: _Domain) -> _Domain:
    """ "At yahoo dot com, no, gmail dot com"."""
    position = domain.end
    length = phrase_at(words, position, CORRECTIONS)
    while length:
        position += length
        other = _domain(words, position)
        if other:
            return other
        length = phrase_at(words, position, CORRECTIONS)
    return domain


def _word(words: Sequence[str], at: int) -> str:
    return words[at] if 0 <= at < len(words) else ""
