"""From the probabilities of labels to what the caller is taken to want."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.agent.intents.base import IntentGuess
from backend.agent.knowledge.model import FAQ, UNKNOWN

Scores = NDArray[np.float32]


def decide(labels: Sequence[str], probabilities: Scores, known_from: float) -> IntentGuess:
    """The intent is as probable as its topics together; its most probable topic is taken.

    A best intent less probable than `known_from` is out of scope.
    """
    intents: dict[str, float] = {}
    best: dict[str, int] = {}
    for column in np.argsort(-probabilities):
        intent = _intent(labels[column])
        intents[intent] = intents.get(intent, 0.0) + float(probabilities[column])
        best.setdefault(intent, int(column))
    ranked = sorted(intents, key=lambda intent: -intents[intent])
    first, second = ranked[0], ranked[-1 if len(ranked) == 1 else 1]
    label, sure = labels[best[first]], intents[first]
    if first != UNKNOWN and sure < known_from:
        return IntentGuess(UNKNOWN, 1 - sure, label, sure)
    return IntentGuess(label, sure, labels[best[second]], intents[second])


def _intent(label: str) -> str:
    """What an action hangs on: a question is an intent of its own."""
    intent = label.partition("/")[0]
    return label if intent == FAQ else intent


def softmax(scores: Scores) -> Scores:
    """Along the last axis."""
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    total: Scores = shifted / shifted.sum(axis=-1, keepdims=True)
    return total


def certainly_unknown(labels: Sequence[str]) -> Scores:
    """The probabilities of a text nothing is known about: all on `unknown`, or on nothing."""
    return np.array([label == UNKNOWN for label in labels], np.float32)
