"""Facts: what a question is answered from, and those the knowledge base states."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backend.agent.knowledge.model import Knowledge

DOCUMENTS = "kb:documents/"
"""What the sources of passages of documents begin with."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is true, or one passage of a document. `source` as in `Sentence.source`."""

    text: str
    source: str
    about: str = ""
    """What else it is found by: headings above it, example questions."""

    @property
    def is_passage(self) -> bool:
        """Whether it stands in a document, and not in the knowledge base's file."""
        return self.source.startswith(DOCUMENTS)


def facts_of(knowledge: Knowledge) -> tuple[Fact, ...]:
    """Everything in the knowledge base that answers a question."""
    return tuple(_facts(knowledge))


def _facts(knowledge: Knowledge) -> Iterator[Fact]:
    company = knowledge.company
    for text in (
        f"The company is called {company.name}.",
        f"Opening hours: {company.hours}.",
        f"Address: {company.address}.",
        f"Phone number: {company.phone}. Email: {company.email}.",
        f"Website: {company.website}.",
    ):
        yield Fact(text, "kb:company")
    for plan in knowledge.plans:
        text = f"The plan {plan.name} is {plan.speed} for {plan.price} a month."
        yield Fact(text, f"kb:plan/{plan.id}", "internet price cost offer")
    for faq in knowledge.faq.values():
        yield Fact(_joined(faq.answer), f"kb:faq/{faq.id}", " ".join((faq.about, *faq.questions)))
    for trouble in knowledge.troubles.values():
        if trouble.steps:
            steps = " ".join(_joined(step) for step in trouble.steps)
            text = f"What helps with {trouble.about}: {steps}"
            yield Fact(text, f"kb:support/{trouble.id}", " ".join(trouble.examples))


def _joined(sentences: Sequence[str]) -> str:
    return " ".join(sentences)
