"""Whether a newly trained model may take the place of the one in use."""

from collections.abc import Iterator, Mapping, Sequence

from backend.agent.intents.base import IntentClassifier
from backend.agent.intents.kept import IntentModel

Examples = Mapping[str, Sequence[str]]


def lost_phrases(
    examples: Examples, new: IntentClassifier, old: IntentClassifier, old_examples: Examples
) -> list[str]:
    """Phrases that only `old` understands, when it understands more of `examples` than `new`.

    Empty: `new` is better or as good, or `old` knows intents that are no longer there. Each model
    is asked about a phrase as it was before learning it, where that is known.
    """
    if not (isinstance(new, IntentModel) and isinstance(old, IntentModel)):
        return []
    if not examples.keys() >= set(old.labels):
        return []
    by_new = set(_understood(new, examples, examples))
    by_old = set(_understood(old, old_examples, examples))
    if len(by_new) >= len(by_old):
        return []
    return [phrase for _, phrase in sorted(by_old - by_new)]


def _understood(
    model: IntentModel, learnt: Examples, examples: Examples
) -> Iterator[tuple[str, str]]:
    """Label and phrase of each example the model recognises."""
    for label, phrases in examples.items():
        known = set(learnt.get(label, ()))
        for phrase in phrases:
            verdict = model.unseen.get(phrase) if phrase in known else None
            if model.classify(phrase).label == label if verdict is None else verdict:
                yield label, phrase
