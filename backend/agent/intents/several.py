"""Several requests in one utterance: "my internet is down and I also want to change my plan"."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from backend.agent.intents.base import IntentGuess
from backend.agent.knowledge.model import UNKNOWN
from backend.agent.words import words

SURE = 0.6
"""A clause is a request of its own from this confidence: half a sentence tells less than it
seems to."""
SHORTEST_CLAUSE = 3
"""Words; "bread and butter" are no two requests."""
MOST_CLAUSES = 4
"""Each costs a classification."""

_SEAM = re.compile(
    r"(?:[.;?!]+\s+|,?\s+(?:and|but|plus|also|then|oh|besides)\b)"
    r"(?:[\s,]*\b(?:and|also|then|another thing|by the way|as well|secondly)\b)*",
    re.IGNORECASE,
)


def clauses(text: str) -> list[str]:
    """What could be said on its own, in order; a piece too short for that stays with the one
    before it. One clause: nothing to take apart."""
    found: list[str] = []
    for piece in _pieces(text[:2000]):
        if found and (len(words(piece)) < SHORTEST_CLAUSE or len(found) == MOST_CLAUSES):
            found[-1] = f"{found[-1]} {piece}"
        elif words(piece):
            found.append(piece)
    if len(found) > 1 and len(words(found[0])) < SHORTEST_CLAUSE:
        found[:2] = [" ".join(found[:2])]
    return found


def _pieces(text: str) -> Iterator[str]:
    return (piece.strip(" ,") for piece in _SEAM.split(text) if piece.strip(" ,"))


def with_parts(whole: IntentGuess, text: str, one: Callable[[str], IntentGuess]) -> IntentGuess:
    """`whole` with its `parts` where `text` holds requests for two or more intents."""
    found = clauses(text)
    if len(found) < 2:
        return whole
    guesses = (replace(one(clause), said=clause) for clause in found)
    parts = tuple(_distinct(guess for guess in guesses if guess.confidence >= SURE))
    return replace(whole, parts=parts) if len(parts) > 1 else whole


def _distinct(guesses: Iterable[IntentGuess]) -> Iterator[IntentGuess]:
    """The first of each intent; what is out of scope asks for nothing."""
    known: set[str] = set()
    for guess in guesses:
        if guess.intent != UNKNOWN and guess.reported not in known:
            known.add(guess.reported)
            yield guess
