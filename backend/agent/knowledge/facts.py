"""The facts an open question is answered from, found by TF-IDF."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from backend.agent.knowledge.model import Knowledge
from backend.agent.words import words

_STOP_WORDS = frozenset(
    words(
        "a an and are as at be but by can do does for from have how i if in is it me my not of on"
        " or s so that the there this to we what when where which will with would you your"
    )
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is true. `source` as in `Sentence.source`."""

    text: str
    source: str


@dataclass(frozen=True, slots=True)
class FactIndex:
    """Facts with their weighted terms; immutable, searched in well under a millisecond."""

    facts: tuple[Fact, ...]
    vectors: tuple[Mapping[str, float], ...]
    idf: Mapping[str, float]

    @classmethod
    def build(cls, knowledge: Knowledge) -> Self:
        """Everything in the knowledge base that answers a question."""
        entries = list(_entries(knowledge))
        counts = [Counter(_terms(about)) for _, about in entries]
        seen = Counter(term for count in counts for term in count)
        idf = {term: math.log((1 + len(entries)) / (1 + df)) + 1 for term, df in seen.items()}
        return cls(
            tuple(fact for fact, _ in entries), tuple(_unit(count, idf) for count in counts), idf
        )

    def search(self, question: str, count: int) -> tuple[Fact, ...]:
        """The `count` facts nearest to the question by cosine, best first; unrelated ones never."""
        wanted = _unit(Counter(_terms(question)), self.idf)
        scores = [
            sum(weight * vector.get(term, 0.0) for term, weight in wanted.items())
            for vector in self.vectors
        ]
        best = sorted(range(len(scores)), key=lambda index: -scores[index])[:count]
        return tuple(self.facts[index] for index in best if scores[index] > 0)


def _terms(text: str) -> Iterator[str]:
    for word in words(text):
        if word not in _STOP_WORDS:
            # Plurals meet their singulars; nothing cleverer is needed for a few dozen facts.
            yield word.removesuffix("s") if len(word) > 3 else word


def _unit(counts: Mapping[str, int], idf: Mapping[str, float]) -> Mapping[str, float]:
    weighted = {term: (1 + math.log(n)) * idf[term] for term, n in counts.items() if term in idf}
    norm = math.sqrt(sum(weight * weight for weight in weighted.values()))
    return {term: weight / norm for term, weight in weighted.items()} if norm else {}


def _entries(knowledge: Knowledge) -> Iterator[tuple[Fact, str]]:
    """Each fact with the text it is found by."""
    company = knowledge.company
    yield from (
        _plain(text, "kb:company")
        for text in (
            f"The company is called {company.name}.",
            f"Opening hours: {company.hours}.",
            f"Address: {company.address}.",
            f"Phone number: {company.phone}. Email: {company.email}.",
            f"Website: {company.website}.",
        )
    )
    for plan in knowledge.plans:
        text = f"The plan {plan.name} is {plan.speed} for {plan.price} a month."
        yield Fact(text, f"kb:plan/{plan.id}"), f"{text} internet price cost offer"
    for faq in knowledge.faq.values():
        text = _joined(faq.answer)
        yield Fact(text, f"kb:faq/{faq.id}"), " ".join((text, faq.about, *faq.questions))
    for trouble in knowledge.troubles.values():
        if trouble.steps:
            steps = " ".join(_joined(step) for step in trouble.steps)
            fact = Fact(f"What helps with {trouble.about}: {steps}", f"kb:support/{trouble.id}")
            yield fact, " ".join((fact.text, *trouble.examples))


def _plain(text: str, source: str) -> tuple[Fact, str]:
    return Fact(text, source), text


def _joined(sentences: Sequence[str]) -> str:
    return " ".join(sentences)
