"""How well a classifier tells intents apart, on sentences it has not learnt from."""

import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

from backend.agent.intents.base import IntentClassifier, IntentGuess
from backend.agent.intents.corrupt import corrupt
from backend.agent.knowledge.model import UNKNOWN

ECE_BINS = 10
"""Of equal width (expected calibration error, Guo et al. 2017)."""


class Labelled(NamedTuple):
    """A sentence and its intent; `UNKNOWN` is out of scope."""

    text: str
    intent: str


@dataclass(frozen=True, slots=True)
class Judged:
    """One sentence as it was understood."""

    intent: str
    guess: IntentGuess
    took_ms: float

    @property
    def best(self) -> str:
        """The best intent, in scope or not: what "is it about …?" would name."""
        return self.guess.runner_up if self.guess.label == UNKNOWN else self.guess.label

    @property
    def best_confidence(self) -> float:
        """Of `best`."""
        unknown = self.guess.label == UNKNOWN
        return self.guess.runner_up_confidence if unknown else self.guess.confidence

    @property
    def is_right(self) -> bool:
        """Whether the best intent is the sentence's."""
        return self.best == self.intent

    @property
    def is_turned_away(self) -> bool:
        """Whether it was taken to be out of scope."""
        return self.guess.label == UNKNOWN


@dataclass(frozen=True, slots=True)
class IntentFigures:
    """Of one model on one set of sentences. Shares are 0–1."""

    inside: Sequence[Judged]
    outside: Sequence[Judged] = ()
    spoilt: Sequence[Judged] = ()
    """`inside` again, as a recogniser might have written it."""
    train_s: float = 0.0

    @property
    def accuracy(self) -> float:
        """In-scope sentences whose best intent is right."""
        return _share(each.is_right for each in self.inside)

    @property
    def accepted_accuracy(self) -> float:
        """In-scope sentences that are right and not turned away."""
        return _share(each.is_right and not each.is_turned_away for each in self.inside)

    @property
    def in_scope_loss(self) -> float:
        """In-scope sentences that are right and turned away all the same."""
        return self.accuracy - self.accepted_accuracy

    @property
    def spoilt_accuracy(self) -> float:
        """`accuracy` of the spoilt sentences."""
        return _share(each.is_right for each in self.spoilt)

    @property
    def oos_recall(self) -> float:
        """Out-of-scope sentences that were turned away; not a number without any."""
        return _share(each.is_turned_away for each in self.outside)

    @property
    def oos_precision(self) -> float:
        """Of what was turned away, the share that is out of scope; not a number without any."""
        turned_away = [each for each in (*self.inside, *self.outside) if each.is_turned_away]
        return _share(each.intent == UNKNOWN for each in turned_away)

    @property
    def calibration_error(self) -> float:
        """Expected calibration error of the best intent's confidence."""
        bins: dict[int, list[Judged]] = {}
        for each in self.inside:
            bins.setdefault(min(int(each.best_confidence * ECE_BINS), ECE_BINS - 1), []).append(
                each
            )
        off = (
            abs(sum(each.best_confidence for each in few) - sum(each.is_right for each in few))
            for few in bins.values()
        )
        return sum(off) / max(1, len(self.inside))

    def took_ms(self, share: float) -> float:
        """The time within which `share` of the sentences were classified."""
        took_ms = sorted(each.took_ms for each in (*self.inside, *self.outside))
        return took_ms[min(int(len(took_ms) * share), len(took_ms) - 1)]

    def confusions(self) -> list[tuple[str, str, int]]:
        """(what was meant, what was understood, how often), the most frequent first."""
        pairs = Counter((each.intent, each.best) for each in self.inside if not each.is_right)
        return [(*pair, count) for pair, count in pairs.most_common()]


def measure(
    model: IntentClassifier, sentences: Sequence[Labelled], *, seed: int = 0, train_s: float = 0.0
) -> IntentFigures:
    """Classify every sentence as it is, and those in scope once more spoilt by the corruptor."""
    chance = random.Random(seed)
    inside = [each for each in sentences if each.intent != UNKNOWN]
    return IntentFigures(
        _judged(model, inside),
        _judged(model, [each for each in sentences if each.intent == UNKNOWN]),
        _judged(model, [Labelled(corrupt(text, chance), intent) for text, intent in inside]),
        train_s,
    )


def _judged(model: IntentClassifier, sentences: Iterable[Labelled]) -> list[Judged]:
    judged = []
    for text, intent in sentences:
        began_s = perf_counter()
        guess = model.classify(text)
        judged.append(Judged(intent, guess, (perf_counter() - began_s) * 1000))
    return judged


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Example phrases per label, and what is odd about them."""

    examples: Mapping[str, Sequence[str]]
    contradictions: Sequence[str] = ()
    """Texts that stand under several labels; the first one keeps them."""
    single: Sequence[str] = ()
    """Labels with one example."""
    repeated: int = 0
    """Phrases that stood under their label already."""

    @classmethod
    def of(cls, sentences: Iterable[Labelled]) -> "TrainingSet":
        """Each text once: one that is known by another label would teach a contradiction."""
        owners: dict[str, str] = {}
        examples: dict[str, list[str]] = {}
        contradictions: dict[str, None] = {}
        known: set[str] = set()
        repeated = 0
        for text, intent in sentences:
            owner = owners.setdefault(text.strip().lower(), intent)
            phrases = examples.setdefault(intent, [])
            if owner != intent:
                contradictions[text] = None
            elif text in known:
                repeated += 1
            else:
                phrases.append(text)
                known.add(text)
        examples = {label: phrases for label, phrases in examples.items() if phrases}
        single = [label for label, phrases in examples.items() if len(phrases) == 1]
        return cls(examples, list(contradictions), single, repeated)

    def few(self, shots: int, seed: int) -> Mapping[str, Sequence[str]]:
        """`shots` examples of each label, picked by `seed`; all where there are fewer."""
        chance = random.Random(seed)
        return {
            label: chance.sample(phrases, min(shots, len(phrases)))
            for label, phrases in self.examples.items()
        }


def _share(hits: Iterable[bool]) -> float:
    counted = list(hits)
    return sum(counted) / len(counted) if counted else math.nan
