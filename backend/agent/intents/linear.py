"""A linear classifier as plain arrays: what `training` makes, and all that serving needs."""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from backend.agent.intents.base import IntentGuess
from backend.agent.intents.features import FEATURES_VERSION, Vectoriser
from backend.agent.knowledge.model import UNKNOWN


class ModelFileError(ValueError):
    """Bytes that are not a model of this version; train again."""


@dataclass(frozen=True, slots=True)
class LinearModel:
    """One-against-rest margins, made probabilities by a calibrated softmax.

    `probabilities = softmax(scale * margins)`, with `scale` fitted on sentences the margins were
    not trained on (temperature scaling, Guo et al. 2017).
    """

    vectoriser: Vectoriser
    labels: tuple[str, ...]
    weights: NDArray[np.float32]
    """[features, labels]"""
    bias: NDArray[np.float32]
    scale: float
    known_from: float
    """A best intent less probable than this is out of scope."""

    def classify(self, text: str) -> IntentGuess:
        """See `IntentClassifier`."""
        return self.decide(self.probabilities(text))

    def probabilities(self, text: str) -> NDArray[np.float32]:
        """Probability of each of `labels`, in their order."""
        columns, values = self.vectoriser.vector(text)
        if not len(columns):
            return np.array([label == UNKNOWN for label in self.labels], np.float32)
        margins = values @ self.weights[columns] + self.bias
        return softmax(self.scale * margins)

    def decide(self, probabilities: NDArray[np.float32]) -> IntentGuess:
        """The intent is as probable as its topics together; its most probable topic is taken."""
        intents: dict[str, float] = {}
        best: dict[str, int] = {}
        for column in np.argsort(-probabilities):
            intent = self.labels[column].partition("/")[0]
            if intent == "faq":
                intent = self.labels[column]
            intents[intent] = intents.get(intent, 0.0) + float(probabilities[column])
            best.setdefault(intent, int(column))
        ranked = sorted(intents, key=lambda intent: -intents[intent])
        first, second = ranked[0], ranked[-1 if len(ranked) == 1 else 1]
        label, sure = self.labels[best[first]], intents[first]
        if first != UNKNOWN and sure < self.known_from:
            return IntentGuess(UNKNOWN, 1 - sure, label, sure)
        return IntentGuess(label, sure, self.labels[best[second]], intents[second])

    def to_bytes(self) -> bytes:
        """A numpy archive without pickled objects, for `from_bytes`."""
        about = {
            "version": FEATURES_VERSION,
            "labels": self.labels,
            "features": list(self.vectoriser.columns),
            "familiar": sorted(self.vectoriser.familiar),
            "scale": self.scale,
            "known_from": self.known_from,
        }
        buffer = io.BytesIO()
        np.savez(
            buffer,
            about=np.frombuffer(json.dumps(about).encode(), np.uint8),
            idf=self.vectoriser.idf,
            weights=self.weights,
            bias=self.bias,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Raises ModelFileError for anything damaged, foreign or of another version."""
        try:
            # allow_pickle=False: a file somebody tampered with must not run anything.
            with np.load(io.BytesIO(raw), allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in ("about", "idf", "weights", "bias")}
            about = json.loads(arrays["about"].tobytes())
            return cls._checked(about, arrays["idf"], arrays["weights"], arrays["bias"])
        except Exception as error:  # damaged zip, header, JSON: numpy raises many kinds
            raise ModelFileError("not a usable intent model") from error

    @classmethod
    def _checked(
        cls, about: Any, idf: NDArray[Any], weights: NDArray[Any], bias: NDArray[Any]
    ) -> Self:
        features: Sequence[str] = about["features"]
        labels = tuple(about["labels"])
        fits = (
            about["version"] == FEATURES_VERSION
            and idf.shape == (len(features),)
            and weights.shape == (len(features), len(labels))
            and bias.shape == (len(labels),)
            and all(array.dtype == np.float32 for array in (idf, weights, bias))
            and all(bool(np.isfinite(array).all()) for array in (idf, weights, bias))
        )
        if not fits:
            raise ModelFileError("parts that do not fit together")
        columns = {feature: column for column, feature in enumerate(features)}
        return cls(
            Vectoriser(columns, idf, frozenset(about["familiar"])),
            labels,
            weights,
            bias,
            float(about["scale"]),
            float(about["known_from"]),
        )


def softmax(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """Along the last axis."""
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    total: NDArray[np.float32] = shifted / shifted.sum(axis=-1, keepdims=True)
    return total
