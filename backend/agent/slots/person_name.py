"""Names of persons: "my name is maria santos", "smith, s m y t h", "john, no, jon"."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from backend.agent.slots.lexicon import common_words, names
from backend.agent.slots.slot import CERTAIN, GUESSED, LIKELY, SlotValue
from backend.agent.slots.spelling import spelled_at
from backend.agent.slots.spoken import CORRECTIONS, Spoken, phrase_at, phrases, spoken

_STRONG = phrases(
    "my name is; my name's; the name is; the name's; name is; my full name is; i am called; i'm"
    " called; call me; you can call me; under the name of; under the name; in the name of; name of;"
    " it's under; it is under; account holder is; the account holder is; name it's; mr; mrs; ms;"
    " miss; mister; dr; my first name is; my last name is; first name is; last name is; first name;"
    " last name; surname is; surname; my surname is; family name is; family name; given name;"
    " given name is; name on the account is; name on the contract is; name on it is; i go by;"
    " name would be; name will be; registered to; speaking with; names"
)
_WEAK = phrases(
    "this is; under; is under; i am; i'm; it's; it is; it's me; that's; that is; speaking is;"
    " here is"
)
_LAST = phrases(
    "last name; surname; family name; my last name is; last name is; my surname is; surname is;"
    " family name is"
)
_FIRST = phrases("first name; given name; my first name is; first name is; given name is")
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "mister", "dr", "doctor", "professor"})
_AROUND = frozenset(
    """yes yeah sure ok okay well so hi hello oh it's its it is that's that would be please thanks
    thank you sir madam ma'am of course speaking here and the name my good morning afternoon full
    calling again no""".split()
)
"""Said before and after a bare name."""
_NEVER = frozenset(
    """a about actually am an and are as at because but by calling can for from have how i if i'm
    in is it just my new no not of on or our out so still than that the their there they this to
    too was we what when where which who why with wrong incorrect misspelled different missing
    you your spelled spelt important correct right important""".split()
)
_QUESTIONS = frozenset({"is", "no"})
"""Begins a question or a denial: what follows is not said as a name."""
_DETERMINERS = frozenset({"the", "a", "my", "your", "our", "that"})
"""Before a thing, not a person: "the bill is wrong"."""
_PARTICLES = frozenset(
    "van von de der den del della di da la le al el bin ibn ben mac mc st".split()
)
_SPELLING = phrases(
    "spelled; spelt; that's spelled; that is spelled; it's spelled; that's; that is; and that's;"
    " with; spelling; which is; which is spelled; space; spells"
)
_ENDINGS = re.compile(
    r"....(?:ly|ing|ous|ful|ed|tion|sion|ness|able|ible|ment|less|ive|ical|'s|'t|'ll|'re|'ve)$"
)
"""Longer words that end like this are hardly ever names."""
_SOUNDS_ALIKE = {
    "k": "c",
    "c": "k",
    "y": "i",
    "i": "y",
    "z": "s",
    "s": "z",
    "g": "j",
    "j": "g",
    "ph": "v",
}
_MOST_PARTS = 4


@dataclass(frozen=True, slots=True)
class _Name:
    parts: tuple[str, ...]
    start: int
    end: int
    confidence: float = LIKELY
    spelled: bool = False


class NameReader:
    """Gives names as they are written: `Maria Santos`, `Jo O'Brien`, `Ann McDonald`."""

    def read(self, text: str) -> SlotValue[str] | None:
        """The name introduced in the text, or the one that is all of it."""
        words = spoken(text, "-")
        found = _in_parts(words) or _fuller(_introduced(words), _bare(words))
        if found is None:
            return None
        name = " ".join(map(_written, found.parts))
        last = found.parts[-1]
        read_back = f"{name}, {' '.join(last.upper())}" if found.spelled else name
        return SlotValue(name, found.confidence, words.span(found.start, found.end), read_back)

    def keyed(self, keys: str) -> SlotValue[str] | None:
        """Nobody keys a name."""
        del keys
        return None


def _fuller(introduced: _Name | None, bare: _Name | None) -> _Name | None:
    """The reading with more of the name: "john smith, that's s m i t h" only begins as a name."""
    if introduced and bare:
        return bare if len(bare.parts) > len(introduced.parts) else introduced
    return introduced or bare


def _in_parts(words: Spoken) -> _Name | None:
    """ "Last name santos, first name maria"."""
    found: dict[str, _Name] = {}
    for which, introductions in (("first", _FIRST), ("last", _LAST)):
        for position in range(len(words.words)):
            length = phrase_at(words.words, position, introductions)
            if length:
                name = _name_at(words.words, position + length, trusted=True)
                if name:
                    found[which] = name
                break
    if len(found) < 2:
        return None
    first, last = found["first"], found["last"]
    return _Name(
        (*first.parts, *last.parts),
        min(first.start, last.start),
        max(first.end, last.end),
        CERTAIN,
        last.spelled,
    )


def _introduced(words: Spoken) -> _Name | None:
    """After "my name is"; the last one, for people correct themselves."""
    best: _Name | None = None
    position = 0
    while position < len(words.words):
        strong = phrase_at(words.words, position, _STRONG)
        weak = phrase_at(words.words, position, _WEAK)
        correction = phrase_at(words.words, position, CORRECTIONS) if best else 0
        length = strong or weak or correction
        if not length:
            position += 1
            continue
        start = position + length
        start += bool(start < len(words.words) and words.words[start] in _TITLES)
        titled = start > 0 and words.words[start - 1] in _TITLES
        name = _name_at(words.words, start, trusted=bool(strong) or titled)
        if name and (strong or titled or correction or _credible(words.words, name)):
            best = _corrected(best, name) if best else name
            position = name.end
        else:
            position += 1
    return best


def _credible(words: Sequence[str], name: _Name) -> bool:
    """After "this is": a known given name, or somebody who says that they are speaking."""
    following = words[name.end] if name.end < len(words) else ""
    speaks = following in ("speaking", "here", "calling", "from") and len(name.parts) <= 3
    return name.parts[0] in names() or speaks or name.spelled


def _corrected(before: _Name, name: _Name) -> _Name:
    """ "John smith, no, jon": one word replaces the one that it resembles."""
    parts = name.parts
    if len(parts) == 1 and len(before.parts) > 1:
        alike = [difflib.SequenceMatcher(None, part, parts[0]).ratio() for part in before.parts]
        index = alike.index(max(alike))
        parts = (*before.parts[:index], parts[0], *before.parts[index + 1 :])
    return replace(name, parts=parts, start=before.start, confidence=LIKELY)


def _bare(words: Spoken) -> _Name | None:
    """A name that is all of the answer."""
    position, best = 0, None
    if not words.words or words.words[0] in _QUESTIONS:
        return None
    while position < len(words.words):
        name = _name_at(words.words, position, trusted=False)
        correction = phrase_at(words.words, position, CORRECTIONS)
        if name:
            if best and not _after_correction(words.words, best.end, name.start):
                return None
            best = _corrected(best, name) if best else name
            position = name.end
        elif words.words[position] in _AROUND or words.words[position] in _TITLES or correction:
            position += max(correction, 1)
        else:
            return None
    return best


def _after_correction(words: Sequence[str], start: int, end: int) -> bool:
    return any(phrase_at(words, position, CORRECTIONS) for position in range(start, end))


def _name_at(words: Sequence[str], at: int, *, trusted: bool) -> _Name | None:
    """The name from position `at` on. `trusted`: its introduction leaves no doubt."""
    parts: list[str] = []
    position, spelled, known = at, False, True
    while position < len(words) and len(parts) <= _MOST_PARTS:
        if parts and _names_a_letter(words, position):
            sound = "".join(words[position + 2 : position + 4])
            sound = sound if sound == "ph" else words[position + 2]
            parts[-1] = _with_letter(parts[-1], sound)
            position += 2 + len(sound)
            continue
        skipped = phrase_at(words, position, _SPELLING) if parts else 0
        letters = spelled_at(words, position + skipped)
        if letters:
            if parts and not _apart(words, position) and _resembles(parts[-1], letters.letters):
                parts.pop()
            parts.append(letters.letters)
            position, spelled = letters.end, True
            continue
        part = _part(words, position, first=not parts, trusted=trusted)
        if part is None:
            break
        parts.append(part[0])
        known = known and part[0].replace(" ", "") in names()
        position = part[1]
    while parts and parts[-1] in _PARTICLES and parts[-1] not in names():
        parts.pop()
        position -= 1
    if not 1 <= len(parts) <= _MOST_PARTS or parts[0] in _NEVER:
        return None
    confidence = CERTAIN if (trusted and known) or spelled else LIKELY if known else GUESSED
    if trusted and not known:
        confidence = LIKELY
    return _Name(tuple(parts), at, position, confidence, spelled)


def _names_a_letter(words: Sequence[str], at: int) -> bool:
    """ "Katherine with a k"."""
    letter = words[at + 2] if at + 2 < len(words) else ""
    after = words[at + 3] if at + 3 < len(words) else ""
    after = "" if (letter, after) == ("p", "h") else after
    return (
        words[at] == "with" and words[at + 1 : at + 2] in (("a",), ("an",))
        and len(letter) == 1 and len(after) != 1
    )  # fmt: skip


def _with_letter(name: str, letter: str) -> str:
    """The name with `letter` in the place of the first one that sounds like it."""
    rival = _SOUNDS_ALIKE.get(letter, "")
    if letter in name or not rival or rival not in name:
        return name
    return name.replace(rival, letter, 1)


def _part(words: Sequence[str], at: int, *, first: bool, trusted: bool) -> tuple[str, int] | None:
    """One part of a name and the position after it."""
    word = words[at]
    following = words[at + 1] if at + 1 < len(words) else ""
    if word in ("o", "mc", "mac", "d") and len(following) > 2 and _may_be_name(following):
        joint = "'" if word in ("o", "d") else ""
        return f"{word}{joint}{following}", at + 2
    if following == "-" and word[0].isalpha() and at + 2 < len(words):
        joined = _part(words, at + 2, first=first, trusted=trusted)
        return (f"{word}-{joined[0]}", joined[1]) if joined and _may_be_name(word) else None
    if len(word) == 1:
        sure = word not in ("a", "i") or words[at - 1] in names()
        initial = not first and word.isalpha() and following and _may_be_name(following) and sure
        return (word, at + 1) if initial and len(following) > 1 else None
    if word in _PARTICLES and not first and following and following not in _NEVER:
        return word, at + 1
    if word in _NEVER or not word[0].isalpha() or (first and word in _TITLES):
        return None
    if first and not trusted and at and words[at - 1] in _DETERMINERS:
        return None
    if _may_be_name(word) or (trusted and _rare(words, at, first=first)):
        return word, at + 1
    return None


def _rare(words: Sequence[str], at: int, *, first: bool) -> bool:
    """A common word as a name: only where it ends what is said."""
    word = words[at]
    return word not in common_words() or (at + 1 == len(words) and (not first or len(word) > 2))


def _may_be_name(word: str) -> bool:
    if word in names():
        return True
    return word not in common_words() and word not in _NEVER and not _ENDINGS.match(word)


def _apart(words: Sequence[str], at: int) -> bool:
    return words[at] == "space"


def _resembles(word: str, letters: str) -> bool:
    """Whether the letters spell the word before them."""
    plain = word.replace("'", "")
    alike = difflib.SequenceMatcher(None, plain, letters).ratio()
    return alike > 0.6 or (plain[0] == letters[0] and abs(len(plain) - len(letters)) <= 3)


_CAPITALS: Mapping[str, str] = {"van": "van", "von": "von", "de": "de", "der": "der", "di": "di"}


def _written(part: str) -> str:
    if part in _CAPITALS:
        return _CAPITALS[part]
    if part.startswith("mc") and len(part) > 4:
        return "Mc" + part[2:].capitalize()
    return re.sub(r"(?:^|(?<=['-]))[^\W\d_]", lambda match: match[0].upper(), part)
