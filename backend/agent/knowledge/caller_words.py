"""What callers are likely to say, for a recogniser's language model."""

from dataclasses import dataclass

from backend.agent.knowledge.model import UNKNOWN, Knowledge
from backend.agent.words import words

_PLAN_SENTENCES = (
    "{plan}",
    "{plan} please",
    "the {plan}",
    "the {plan} plan",
    "the {plan} plan please",
    "i'd like the {plan} plan",
    "i'll take the {plan}",
    "i want {plan}",
    "how much is the {plan} plan",
)
_NUMBER_LEAD_INS = ("my customer number is", "my number is", "it's", "the number is")


@dataclass(frozen=True, slots=True)
class CallerWords:
    """Mapped onto the recognisers' vocabulary by whoever builds both."""

    sentences: tuple[str, ...]
    """Example utterances as people say them, without the out-of-scope ones."""
    off_topic: tuple[str, ...]
    """What callers say that is not for us. In a trigram model of PocketSphinx beside `sentences`,
    these help to notice such speech and cost a little of the rest: intents right on paraphrases
    spoken by three flite voices 78% → 81% over all, 86% → 85% of those in scope."""
    words: tuple[str, ...]
    """Single words in them that a general dictionary may lack: names of company and plans."""
    min_digits: int
    max_digits: int
    """How long customer numbers are."""


def caller_words(knowledge: Knowledge) -> CallerWords:
    """The vocabulary of one knowledge base; sentences in the file's order, each once."""
    sentences = [
        phrase
        for label, phrases in knowledge.examples().items()
        if label != UNKNOWN
        for phrase in phrases
    ]
    for plan in knowledge.plans:
        sentences += [form.format(plan=plan.name) for form in _PLAN_SENTENCES]
        sentences += plan.aliases
    sentences += _NUMBER_LEAD_INS
    names = [knowledge.company.name, *(plan.name for plan in knowledge.plans)]
    return CallerWords(
        sentences=tuple(dict.fromkeys(sentences)),
        off_topic=knowledge.intents[UNKNOWN],
        words=tuple(dict.fromkeys(word for name in names for word in words(name))),
        min_digits=knowledge.min_digits,
        max_digits=knowledge.max_digits,
    )
