"""Vectors of facts: one of the whole, and one of each of its sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from backend.agent.intents.encoder import Vectors
from backend.agent.knowledge.facts import Fact
from backend.agent.sentences import split_sentences

UNITS_VERSION = 1
"""Part of the key of kept vectors: raise it when the same facts would be cut into other units."""
_FEWEST_WORDS = 3


def sentences_of(fact: Fact) -> tuple[str, ...]:
    """What of a fact could be said by itself; at least one."""
    sentences = [s for s in split_sentences(fact.text) if len(s.split()) >= _FEWEST_WORDS]
    return tuple(sentences) or (fact.text,)


def units_of(fact: Fact) -> tuple[str, ...]:
    """The texts that are encoded for a fact: the whole with what stands above it, its sentences."""
    return (f"{fact.about}. {fact.text}" if fact.about else fact.text, *sentences_of(fact))


@dataclass(frozen=True, slots=True)
class FactVectors:
    """Of some facts, in their order."""

    wholes: Vectors
    sentences: Vectors
    """Those of the first fact, of the second, …"""
    starts: NDArray[np.intp]
    """Where each fact's sentences begin."""

    @classmethod
    def of(cls, facts: Sequence[Fact], units: Vectors) -> Self:
        """From the vectors of all `units_of` these facts, one after the other.

        Raises ValueError when they are not as many.
        """
        counts = np.array([len(units_of(fact)) for fact in facts], np.intp)
        if units.ndim != 2 or counts.sum() != len(units):
            raise ValueError("vectors of other facts")
        firsts = np.cumsum(counts) - counts
        is_whole = np.zeros(len(units), bool)
        is_whole[firsts] = True
        return cls(units[is_whole], units[~is_whole], firsts - np.arange(len(facts)))

    @classmethod
    def none(cls, facts: Sequence[Fact], width: int) -> Self:
        """For facts that are not encoded yet: near to nothing."""
        return cls.of(facts, np.zeros((sum(len(units_of(f)) for f in facts), width), np.float32))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Of all facts of the parts, in their order."""
        shifts = np.cumsum([0, *(len(part.sentences) for part in parts[:-1])])
        starts = [part.starts + shift for part, shift in zip(parts, shifts, strict=True)]
        return cls(
            np.concatenate([part.wholes for part in parts]),
            np.concatenate([part.sentences for part in parts]),
            np.concatenate(starts),
        )

    def nearness(self, question: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine of each fact with a question: of the whole and of its nearest sentence, averaged.

        Of 172 spoken questions about passages of 90 words, the right one is among the first three
        for 79% by the whole, 76% by the sentence, 90% by both.
        """
        best: NDArray[np.float32] = np.maximum.reduceat(self.sentences @ question, self.starts)
        best += self.wholes @ question
        best *= 0.5
        return best

    def sentence_nearness(self, fact: int, question: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cosine of each sentence of one fact with a question."""
        ends = np.append(self.starts, len(self.sentences))
        near: NDArray[np.float32] = self.sentences[ends[fact] : ends[fact + 1]] @ question
        return near
