"""Which of the facts it was given a sentence of a language model says again."""

from collections.abc import Sequence

from backend.agent.knowledge.facts import Fact
from backend.agent.retrieval.bm25 import content_words

MOST_SHARED = 0.6
"""Share of the sentence's own words that a fact must have."""
FEWEST_WORDS = 3
"""Fewer are in many facts."""


def supporting(sentence: str, facts: Sequence[Fact]) -> Fact | None:
    """The fact with most of the sentence's words, the first of equals; None: none has enough."""
    said = {_stem(word) for word in content_words(sentence)}
    if len(said) < FEWEST_WORDS:
        return None
    best, most = None, 0
    for fact in facts:
        shared = len(said & _stems(fact.text))
        if shared > most:
            best, most = fact, shared
    return best if most >= MOST_SHARED * len(said) else None


def _stems(text: str) -> set[str]:
    # `words` reads as much of a text as a caller says; a passage is longer.
    pieces = text.split()
    return {
        _stem(word)
        for start in range(0, len(pieces), 40)
        for word in content_words(" ".join(pieces[start : start + 40]))
    }


def _stem(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 else word
