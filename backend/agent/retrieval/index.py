"""The index of everything a question can be answered from: by words, by meaning, by both."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from backend.agent.intents.encoder import Encoder
from backend.agent.knowledge.facts import Fact
from backend.agent.retrieval.bm25 import Bm25
from backend.agent.retrieval.vectors import FactVectors, sentences_of

WORDS_WEIGHT = 0.08
"""Of the BM25 score, 1 for the best fact, added to the cosine. On 172 spoken questions anything
from 0.05 to 0.1 finds 91% in the first three; fusing reciprocal ranks (k 10, 30, 60) finds 77%,
75%, 74%: a caller's words are seldom those of a document."""
_BY_WORDS = 200
"""Best facts by words that are looked at."""
LEAST_NEARNESS = 0.2
"""Cosine below which a fact has nothing to do with a question."""


class Ranking(StrEnum):
    """What facts are ranked by."""

    WORDS = "bm25"
    MEANING = "embeddings"
    BOTH = "fused"


@dataclass(frozen=True, slots=True)
class Found:
    """A fact that was searched for."""

    fact: Fact
    nearness: float | None
    """Cosine, when the index has vectors."""
    coverage: float
    """See `Bm25.coverage`."""
    words_score: float
    """BM25; 0 when it shares no word with the question."""
    leads_by_words: bool
    """No fact has a higher BM25 score."""
    sentences: tuple[tuple[str, float | None], ...]
    """Its sentences, and the cosine of each."""


class FactIndex:
    """Immutable; callable from any thread. Searching 10,000 passages takes some 10 ms."""

    def __init__(
        self,
        facts: Sequence[Fact],
        vectors: FactVectors | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        """A second of computing for 10,000 passages. Without vectors, words alone count.

        `vectors` are of `facts`, made by `encoder`; both or neither.
        """
        self.facts = tuple(facts)
        self.has_passages = any(fact.is_passage for fact in self.facts)
        """Whether documents are among them."""
        self._words = Bm25(self.facts)
        self._vectors = vectors if len(self.facts) else None
        self._encoder = encoder

    @property
    def ranking(self) -> Ranking:
        """What this index can rank by."""
        return Ranking.BOTH if self._vectors and self._encoder else Ranking.WORDS

    def search(self, question: str, count: int) -> tuple[Fact, ...]:
        """The `count` facts nearest to the question, best first; unrelated ones never."""
        return tuple(found.fact for found in self.find(question, count))

    def find(self, question: str, count: int, ranking: Ranking = Ranking.BOTH) -> tuple[Found, ...]:
        """As `search`, with how near each is. `ranking` is only ever chosen to measure."""
        by_words = self._words.search(question, _BY_WORDS)
        if not self._vectors or not self._encoder or ranking is Ranking.WORDS:
            return self._found(question, [number for number, _ in by_words[:count]], by_words)
        asked = self._encoder.encode(question)
        nearness = self._vectors.nearness(asked)
        scores = nearness.copy()
        if by_words and ranking is Ranking.BOTH:
            numbers, weights = zip(*by_words, strict=True)
            scores[list(numbers)] += WORDS_WEIGHT * np.array(weights, np.float32) / weights[0]
        best = [number for number in _largest(scores, count) if scores[number] >= LEAST_NEARNESS]
        return self._found(question, best, by_words, asked, nearness)

    def _found(
        self,
        question: str,
        numbers: Sequence[int],
        by_words: Sequence[tuple[int, float]],
        asked: NDArray[np.float32] | None = None,
        nearness: NDArray[np.float32] | None = None,
    ) -> tuple[Found, ...]:
        coverage = self._words.coverage(question, numbers)
        weights = dict(by_words)
        first = by_words[0][0] if by_words else -1
        found = []
        for number, share in zip(numbers, coverage, strict=True):
            fact = self.facts[number]
            sentences = sentences_of(fact)
            near: Sequence[float | None] = [None] * len(sentences)
            if asked is not None and self._vectors:
                near = self._vectors.sentence_nearness(number, asked).tolist()
            whole = None if nearness is None else float(nearness[number])
            said = tuple(zip(sentences, near, strict=True))
            weight = weights.get(number, 0.0)
            found.append(Found(fact, whole, share, weight, number == first, said))
        return tuple(found)


def _largest(scores: NDArray[np.float32], count: int) -> list[int]:
    count = min(count, len(scores))
    best = np.argpartition(-scores, count - 1)[:count] if count else np.empty(0, np.intp)
    ordered: list[int] = best[np.argsort(-scores[best], kind="stable")].tolist()
    return ordered
