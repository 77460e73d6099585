"""Learns a `LinearModel`, or with sentence embeddings a `StackedModel`, from example phrases.

`child` runs this in a process of its own: scikit-learn takes two seconds to import.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from backend.agent.intents.corrupt import corrupt
from backend.agent.intents.decision import Scores, decide, softmax
from backend.agent.intents.encoder import Encoder, Vectors
from backend.agent.intents.features import Vectoriser
from backend.agent.intents.linear import LinearModel
from backend.agent.intents.solvers import fit_linear, margins_of
from backend.agent.intents.stacked import Neighbours, StackedModel
from backend.agent.knowledge.model import FAQ, UNKNOWN
from backend.agent.words import words

FOLDS = 4
"""Calibration looks at examples through a model that did not see them."""
UNSEEN_ENOUGH = 2000
"""Examples calibration needs at most; with more than this in a fold, one fold will do."""
REJECTED_FRACTION = 0.03
"""The out-of-scope threshold may cost this share of the operator's own phrases."""
SPOILT_EVERY = 2
SPOILT_WEIGHT = 0.5
"""About every second phrase is learnt from again as a recogniser might write it, counting half.
That costs BANKING77 0.4% of clean sentences and wins 0.4% of spoilt ones; more costs more.
Neighbours learn from every phrase a second time: with ten of each intent that wins 0.2% of clean
sentences and 0.7% of spoilt ones."""
SCALES = np.geomspace(0.1, 20, 60)
WEIGHTS = np.geomspace(0.1, 10, 16)
"""Of the n-grams' margins, and of the neighbours' scores, as stacking tries them out."""
NEIGHBOUR_WEIGHTS = np.geomspace(1, 40, 16)

Examples = Mapping[str, Sequence[str]]
Indices = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Lesson:
    """Example phrases, then one made of each label's own words."""

    labels: tuple[str, ...]
    texts: tuple[str, ...]
    targets: Indices
    """The label's position, for each text."""
    phrases: int
    """How many of `texts` are phrases; what follows are labels."""

    @classmethod
    def of(cls, examples: Examples) -> "Lesson":
        """A label says what it is about: `technical_support/slow` is nearly a phrase. It lifts
        ten-shot BANKING77 from 74.5% to 75.5% (embeddings: from 86.2% to 86.5%)."""
        labels = tuple(examples)
        pairs = [(text, i) for i, label in enumerate(labels) for text in examples[label]]
        phrases = len(pairs)
        pairs += [(_in_words(label), i) for i, label in enumerate(labels) if _in_words(label)]
        return cls(
            labels,
            tuple(text for text, _ in pairs),
            np.array([i for _, i in pairs], np.intp),
            phrases,
        )

    def folds(self) -> Iterator[tuple[Indices, Indices]]:
        """Which texts to learn from and which phrases to look at, until enough were looked at.

        Every label is spread over the folds; those of few examples not all over the same. Where a
        phrase goes hangs on itself, or with few others on their order: models of before and after
        an edit are compared on the same folds.
        """
        order = np.full(len(self.texts), -1, np.intp)
        for i, label in enumerate(self.labels):
            mine = np.flatnonzero(self.targets[: self.phrases] == i)
            place = np.arange(len(mine))
            if len(mine) >= 3 * FOLDS:
                place = np.array([crc32(self.texts[j].encode()) for j in mine])
            order[mine] = (crc32(label.encode()) + place) % FOLDS
        looked_at = 0
        for fold in range(FOLDS):
            unseen = np.flatnonzero(order == fold)
            if len(unseen) and looked_at < UNSEEN_ENOUGH:
                looked_at += len(unseen)
                yield np.flatnonzero(order != fold), unseen


def _in_words(label: str) -> str:
    if label == UNKNOWN:
        return ""
    return " ".join(words(label.removeprefix(f"{FAQ}/").replace("_", " ")))


def train(examples: Examples) -> LinearModel:
    """Learn from phrases per label. The label `unknown` holds phrases that are not for us."""
    return _train_ngrams(Lesson.of(examples))[0]


def train_stacked(examples: Examples, encoder: Encoder) -> StackedModel:
    """The same with sentence embeddings: n-grams and neighbours, weighed on unseen examples."""
    lesson = Lesson.of(examples)
    ngrams, seen = _train_ngrams(lesson)
    meanings = _Meanings.of(lesson, encoder)
    nearness = np.concatenate(
        [
            meanings.neighbours(learnt).scores(meanings.vectors[unseen])
            for learnt, unseen in lesson.folds()
        ]
    )
    ngram_scale, neighbour_scale = _weigh(seen.margins, nearness, seen.targets)
    scores = np.asarray(ngram_scale * seen.margins + neighbour_scale * nearness, np.float32)
    probabilities = softmax(scores)
    known_from, unseen = _judge(lesson, probabilities, seen)
    return StackedModel(
        ngrams,
        meanings.neighbours(np.arange(len(lesson.texts))),
        encoder,
        ngram_scale,
        neighbour_scale,
        known_from,
        unseen,
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """What n-grams make of examples they were not trained on, in the order of the folds."""

    which: Indices
    targets: Indices
    margins: Scores


def _train_ngrams(lesson: Lesson) -> tuple[LinearModel, Seen]:
    vectoriser = Vectoriser.fit(lesson.texts, notice_strange=UNKNOWN in lesson.labels)
    rows = [vectoriser.vector(text) for text in lesson.texts]
    spoilt = {
        i: vectoriser.vector(_spoilt(text))
        for i, text in enumerate(lesson.texts)
        if crc32(text.encode()) % SPOILT_EVERY == 0
    }
    size = len(vectoriser.columns), len(lesson.labels)

    def fit(learnt: Indices) -> tuple[Scores, Scores]:
        noisy = [i for i in learnt.tolist() if i in spoilt]
        texts = [rows[i] for i in learnt] + [spoilt[i] for i in noisy]
        weights = np.repeat([1.0, SPOILT_WEIGHT], [len(learnt), len(noisy)])
        return fit_linear(texts, lesson.targets[[*learnt, *noisy]], weights, *size)

    which, margins = [], []
    for learnt, unseen in lesson.folds():
        which.append(unseen)
        margins.append(margins_of([rows[i] for i in unseen], *fit(learnt)))
    looked_at = np.concatenate(which)
    seen = Seen(looked_at, lesson.targets[looked_at], np.concatenate(margins))
    scale = _calibrate(seen.margins, seen.targets)
    known_from, verdicts = _judge(lesson, softmax(scale * seen.margins), seen)
    weights, bias = fit(np.arange(len(rows)))
    return LinearModel(vectoriser, lesson.labels, weights, bias, scale, known_from, verdicts), seen


def _spoilt(text: str) -> str:
    """Always the same for a text: an edit of one phrase changes nothing about the others."""
    return corrupt(text, random.Random(text))


@dataclass(frozen=True, slots=True)
class _Meanings:
    """Vectors of a lesson's texts, and of its phrases as a recogniser might write them."""

    lesson: Lesson
    vectors: Vectors
    spoilt: Vectors | None
    """None: there are so many phrases that spoilt ones would only take the place of others."""

    @classmethod
    def of(cls, lesson: Lesson, encoder: Encoder) -> "_Meanings":
        """Encode them: a millisecond each."""
        spoilt = None
        if len(lesson.texts) + lesson.phrases <= Neighbours.MOST:
            spoilt = encoder.encode_all([_spoilt(text) for text in lesson.texts[: lesson.phrases]])
        return cls(lesson, encoder.encode_all(lesson.texts), spoilt)

    def neighbours(self, learnt: Indices) -> Neighbours:
        """Learnt from as many as it can take, evenly over the labels."""
        targets = self.lesson.targets[learnt]
        rank = np.zeros(len(targets), np.intp)
        for label in range(len(self.lesson.labels)):
            mine = np.flatnonzero(targets == label)
            rank[mine] = np.arange(len(mine))
        kept = learnt[np.sort(np.argsort(rank, kind="stable")[: Neighbours.MOST])]
        vectors, targets = self.vectors[kept], self.lesson.targets[kept]
        if self.spoilt is not None:
            phrases = kept[kept < self.lesson.phrases]
            vectors = np.concatenate([vectors, self.spoilt[phrases]])
            targets = np.concatenate([targets, self.lesson.targets[phrases]])
        return Neighbours.fit(vectors, targets, len(self.lesson.labels))


def _loss(scores: Scores, targets: Indices) -> float:
    """Mean negative log-likelihood."""
    right = softmax(scores)[np.arange(len(targets)), targets]
    return float(-np.log(right + 1e-9).mean())


def _calibrate(margins: Scores, targets: Indices) -> float:
    """The softmax scale with the smallest loss on unseen examples."""
    return float(min(SCALES, key=lambda scale: _loss(scale * margins, targets)))


def _weigh(margins: Scores, nearness: Scores, targets: Indices) -> tuple[float, float]:
    """The two scales that together have the smallest loss on unseen examples."""
    pairs = [(float(left), float(right)) for left in WEIGHTS for right in NEIGHBOUR_WEIGHTS]
    return min(pairs, key=lambda pair: _loss(pair[0] * margins + pair[1] * nearness, targets))


def _judge(lesson: Lesson, probabilities: Scores, seen: Seen) -> tuple[float, dict[str, bool]]:
    """The confidence all but `REJECTED_FRACTION` of rightly recognised phrases reach, and which
    phrases are recognised with that threshold."""
    guesses = [decide(lesson.labels, row, 0.0) for row in probabilities]
    right = [
        guess.label == lesson.labels[target]
        for guess, target in zip(guesses, seen.targets, strict=True)
    ]
    sure = [guess.confidence for guess in compress(guesses, right) if guess.label != UNKNOWN]
    known_from = float(np.quantile(sure, REJECTED_FRACTION)) if sure else 0.0
    verdicts = {
        lesson.texts[i]: recognised and (guess.label == UNKNOWN or guess.confidence >= known_from)
        for i, guess, recognised in zip(seen.which, guesses, right, strict=True)
    }
    return known_from, verdicts
