"""Holds a language model to the facts: what it claims must be in what it was given."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Self

from backend.agent.llm.claim_words import WEEKDAYS
from backend.agent.llm.claims import Claim, ClaimKind, claims, tokens
from backend.agent.llm.prompt import Prompt

_CLAUSE_END = re.compile(r"(?<=[.,;!?])\s+")
_COUNTED = frozenset({ClaimKind.NUMBER, ClaimKind.PRICE})
_ANCHORS = frozenset({ClaimKind.NAME, ClaimKind.DATE})
_CURRENCY_LENGTH = 3


@dataclass(frozen=True, slots=True)
class _Clause:
    """One clause of a fact: its words in order, and what it claims."""

    words: str
    known: frozenset[tuple[ClaimKind, str]]

    def has(self, claim: Claim) -> bool:
        if claim.kind is ClaimKind.NAME:
            return any(f" {name} " in self.words for name in claim.readings)
        return any((claim.kind, reading) in self.known for reading in claim.readings)


@dataclass(slots=True)
class Grounding:
    """Checks the sentences of one answer, in the order they would be spoken."""

    _clauses: tuple[_Clause, ...]
    _passages: tuple[str, ...]
    """Words of each fact, for names that a clause ends in the middle of."""
    _plain_words: frozenset[str]
    _company: frozenset[str]
    _unfinished: str = field(default="")
    """The part of a sentence spoken before, when the sentence was too long for one breath."""

    @classmethod
    def of(cls, prompt: Prompt) -> Self:
        """What the prompt's facts, the state of the call and the answers already given say.

        The caller's own words prove nothing: "is it true that it costs five dollars?"
        """
        given = [fact.text for fact in prompt.facts]
        given += [exchange.bot for exchange in (*prompt.earlier, *prompt.history)]
        given += prompt.state
        given.append(f"You have called {prompt.company}.")
        clauses = tuple(clause for text in given for clause in _clauses(text))
        passages = tuple(_words(text) for text in given)
        plain = {
            token.word
            for text in given
            for token in tokens(text)
            if token.text == token.word and token.sort == "word"
        }
        company = frozenset(token.word for token in tokens(prompt.company))
        return cls(clauses, passages, frozenset(plain), company)

    def ungrounded(self, sentence: str) -> frozenset[ClaimKind]:
        """The kinds of claims in `sentence` that nothing given supports; empty: it may be said."""
        whole = f"{self._unfinished} {sentence}".strip()
        kinds = frozenset(self._unsupported(sentence)) | frozenset(self._unsupported(whole))
        ended = sentence.rstrip("\"')]").endswith((".", "!", "?", "…"))
        self._unfinished = "" if kinds or ended else whole
        return kinds

    def _unsupported(self, sentence: str) -> Iterator[ClaimKind]:
        made = claims(sentence, self._plain_words)
        for claim in made:
            if not self._is_known(claim) or not self._belongs(claim, made):
                yield claim.kind

    def _is_known(self, claim: Claim) -> bool:
        if claim.kind is ClaimKind.NAME:
            named = [f" {name} " in words for name in claim.readings for words in self._passages]
            return any(named)
        return any(clause.has(claim) for clause in self._clauses)

    def _belongs(self, claim: Claim, made: Iterable[Claim]) -> bool:
        """Whether a number is said of what the facts say it of: the price of another plan, or
        Saturday's hours on a Monday, are in the facts and wrong all the same."""
        if claim.kind not in _COUNTED:
            return True
        anchors = [other for other in made if other.kind in _ANCHORS and not self._is_us(other)]
        before = [anchor for anchor in anchors if anchor.at < claim.at]
        anchor = before[-1] if before else anchors[0] if anchors else None
        if anchor is None:
            return True
        return any(clause.has(claim) and clause.has(anchor) for clause in self._clauses)

    def _is_us(self, claim: Claim) -> bool:
        return any(self._company.issuperset(name.split()) for name in claim.readings)


def _clauses(text: str) -> Iterator[_Clause]:
    for clause in _CLAUSE_END.split(text):
        yield _Clause(_words(clause), frozenset(_known(clause)))


def _known(clause: str) -> Iterator[tuple[ClaimKind, str]]:
    made = claims(clause)
    for claim in made:
        for reading in claim.readings:
            yield claim.kind, reading
            number, _, unit = reading.partition(" ")
            if claim.kind is ClaimKind.NUMBER and unit:
                yield claim.kind, number
            elif claim.kind is ClaimKind.PRICE and len(number) == _CURRENCY_LENGTH and unit:
                yield claim.kind, unit
    yield from ((ClaimKind.DATE, day) for day in _days_between(clause))


def _days_between(clause: str) -> Iterator[str]:
    """The weekdays of "Monday to Friday" that are not named."""
    days = "|".join(WEEKDAYS)
    for first, last in re.findall(
        rf"\b({days})s?\s*(?:to|through|until|till|-|–)\s*({days})", clause.lower()
    ):
        start, end = WEEKDAYS.index(first), WEEKDAYS.index(last)
        for shift in range((end - start) % len(WEEKDAYS) + 1):
            yield WEEKDAYS[(start + shift) % len(WEEKDAYS)]


def _words(text: str) -> str:
    """Lower-case words between spaces, so that a name is found as a whole."""
    return f" {' '.join(token.word for token in tokens(text))} "
