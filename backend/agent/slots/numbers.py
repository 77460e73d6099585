"""Which number the caller means, among everything that sounds like digits in a sentence."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from backend.agent.slots.spoken import CORRECTIONS
from backend.agent.slots.spoken_digits import DigitRun, digit_runs, tokens

_INTRODUCTIONS = frozenset(
    ["my", "the", "is", "it's", "number", "number's", "customer", "account", "id", "and"]
)
"""Words that only lead up to a number."""
_NAMES = frozenset(["number", "customer", "account", "id"])
_PERSONS = frozenset(["customer", "account"])
_NEGATIONS = (("not",), ("isn't",), ("not", "number"))


@dataclass(frozen=True, slots=True)
class NumberSlot:
    """Digits as the caller gave them. `complete`: their count is one that was asked for."""

    digits: str
    complete: bool
    plain: bool = True
    """False: there were several, or one was corrected, and this is the one most likely meant."""


@dataclass(frozen=True, slots=True)
class Length:
    """How many digits a complete number has."""

    minimum: int
    maximum: int

    def fits(self, digits: str) -> bool:
        """Whether `digits` is complete."""
        return self.minimum <= len(digits) <= self.maximum


def spoken_number(text: str, length: Length) -> NumberSlot | None:
    """The number in a spoken or typed sentence; None when it holds no digits at all.

    Handles single digits, "double oh", cardinals, digits in figures, words that sound like
    digits, several numbers and corrections ("one zero, no, one one zero four").
    """
    spoken = tokens(text)
    runs = [kept for run in digit_runs(spoken) if (kept := _affirmed(spoken, run, length))]
    candidates: list[str] = []
    previous_end = 0
    for run in runs:
        digits = _trimmed(run, length)
        if candidates and _ends_with(spoken[previous_end : run.start], CORRECTIONS):
            candidates = [_corrected(candidates[-1], digits, length)]
        else:
            candidates.append(digits)
        previous_end = run.end
    candidates = [digits for digits in candidates if digits]
    if not candidates:
        return None
    return replace(_chosen(candidates, length), plain=len(runs) == 1)


def without_number(text: str, length: Length) -> str:
    """The sentence without its complete numbers and the words that introduce them.

    What is left is what the caller wants: "which plan am I on, my number is 1004". A number in
    the place of a person is the caller: "what does customer 1004 owe" is "what does i owe".
    """
    spoken = tokens(text)
    spans = [_span(run, length) for run in digit_runs(spoken) if length.fits(_trimmed(run, length))]
    if not spans:
        return text
    kept: list[str] = []
    position = 0
    for start, end in spans:
        kept += spoken[position:start]
        is_named = bool(kept) and kept[-1] in _NAMES
        leading = _NAMES | {"the", "my"} if is_named else _INTRODUCTIONS
        popped = set()
        while kept and kept[-1] in leading:
            popped.add(kept.pop())
        is_person = is_named and "my" not in popped and not _PERSONS.isdisjoint(popped)
        if is_person and kept and end < len(spoken):
            kept.append("i")
        position = end
    return " ".join(kept + spoken[position:])


def _span(run: DigitRun, length: Length) -> tuple[int, int]:
    """Where the number begins and ends, without what turned out to be words: "… one owe"."""
    digits = _trimmed(run, length)
    if digits == run.digits:
        return run.start, run.end
    # A word that only sounds like a digit is one word, and one digit.
    tail = 0 if digits == run.digits[run.optional_head :] else run.optional_tail
    return run.start + run.optional_head, run.end - tail


def keyed_number(keys: str, length: Length) -> NumberSlot | None:
    """The number keyed, without `#` and `*`; a star begins it anew. None without digits."""
    last = keys.strip().rstrip("#*").rpartition("*")[2]
    digits = "".join(key for key in last if key in "0123456789")
    return NumberSlot(digits, length.fits(digits)) if digits else None


def _chosen(candidates: Sequence[str], length: Length) -> NumberSlot:
    complete = [digits for digits in candidates if length.fits(digits)]
    joined = "".join(candidates)
    if complete:
        return NumberSlot(complete[-1], complete=True)
    if length.fits(joined):
        return NumberSlot(joined, complete=True)
    return NumberSlot(max(candidates, key=len), complete=False)


def _trimmed(run: DigitRun, length: Length) -> str:
    """The run without edge words that only sound like digits, unless they complete the number."""
    kept = run.digits[run.optional_head : len(run.digits) - run.optional_tail]
    for digits in (kept, run.digits[run.optional_head :], run.digits):
        if length.fits(digits):
            return digits
    # "One zero zero four, one zero zero four": said twice to be understood.
    half = len(kept) // 2
    if kept[:half] == kept[half:] and length.fits(kept[:half]):
        return kept[:half]
    # "Oh, one zero zero four".
    if len(kept) == length.maximum + 1 and kept.startswith("0"):
        return kept[1:]
    return kept


def _corrected(before: str, digits: str, length: Length) -> str:
    """A whole number replaces what was said; a part of one replaces its end."""
    if length.fits(digits) or not digits:
        return digits or before
    for merged in (replaced_part(before, digits), before + digits):
        if length.fits(merged):
            return merged
    return digits


def replaced_part(before: str, digits: str) -> str:
    """`before` with `digits` in the place of the part most like them, the last such part.

    "One zero zero four, no, one one" is 1104: nobody repeats what was right.
    """
    if not 0 < len(digits) <= len(before):
        return before
    places = [
        (sum(a != b for a, b in zip(before[at:], digits, strict=False)), -at)
        for at in range(len(before) - len(digits) + 1)
    ]
    changed = [place for place in places if place[0]]
    if not changed:
        return before
    at = -min(changed)[1]
    return before[:at] + digits + before[at + len(digits) :]


def _affirmed(spoken: Sequence[str], run: DigitRun, length: Length) -> DigitRun | None:
    """The run without the number that a "not" before it denies."""
    if not _ends_with(spoken[: run.start], _NEGATIONS):
        return run
    rest = run.digits[length.maximum :]
    return replace(run, digits=rest, optional_head=0) if length.fits(rest) else None


def _ends_with(spoken: Sequence[str], phrases: Iterable[tuple[str, ...]]) -> bool:
    """Whether one of the phrases stands among the last three words before a number."""
    near = list(spoken[-4:])
    return any(
        tuple(near[start : start + len(phrase)]) == phrase
        for phrase in phrases
        for start in range(len(near) - len(phrase) + 1)
    )
