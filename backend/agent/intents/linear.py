"""A linear classifier as plain arrays: what `training` makes, and all that serving needs."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from backend.agent.intents.base import IntentGuess
from backend.agent.intents.decision import Scores, certainly_unknown, decide, softmax
from backend.agent.intents.features import FEATURES_VERSION, Vectoriser
from backend.agent.intents.several import with_parts


class ModelFileError(ValueError):
    """Bytes that are not a model of this version; train again."""


@dataclass(frozen=True, slots=True)
class LinearModel:
    """Margins of the labels, made probabilities by a calibrated softmax.

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
    unseen: Mapping[str, bool] = field(default_factory=dict)
    """Example phrases, and whether they were recognised by a model trained without them."""

    def classify(self, text: str) -> IntentGuess:
        """See `IntentClassifier`."""
        return with_parts(self._one(text), text, self._one)

    def _one(self, text: str) -> IntentGuess:
        return decide(self.labels, self.probabilities(text), self.known_from)

    def probabilities(self, text: str) -> Scores:
        """Probability of each of `labels`, in their order."""
        margins = self.margins(text)
        if margins is None:
            return certainly_unknown(self.labels)
        return softmax(self.scale * margins)

    def margins(self, text: str) -> Scores | None:
        """One for each of `labels`; None for a text without a single known n-gram."""
        columns, values = self.vectoriser.vector(text)
        if not len(columns):
            return None
        margins: Scores = values @ self.weights[columns] + self.bias
        return margins

    def to_bytes(self) -> bytes:
        """A numpy archive without pickled objects, for `from_bytes`."""
        about = {
            "version": FEATURES_VERSION,
            "labels": self.labels,
            "features": list(self.vectoriser.columns),
            "familiar": sorted(self.vectoriser.familiar),
            "scale": self.scale,
            "known_from": self.known_from,
            "unseen": dict(self.unseen),
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
            {str(text): bool(right) for text, right in about["unseen"].items()},
        )
