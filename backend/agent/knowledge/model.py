"""The knowledge base as values. Immutable: a call keeps the one it began with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from backend.agent.knowledge.responses import Responses

FAQ = "faq"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Company:
    """Who answers the phone."""

    name: str
    hours: str
    address: str
    phone: str
    email: str
    website: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Something a caller can order. `aliases` are other ways to name it."""

    id: str
    name: str
    aliases: tuple[str, ...]
    speed: str
    price: str


@dataclass(frozen=True, slots=True)
class MenuKey:
    """One key of the keypad menu, for callers whose speech cannot be understood."""

    key: str
    intent: str
    choice: str


@dataclass(frozen=True, slots=True)
class Faq:
    """A question with a fixed answer; `about` names it in "did you say something about …?"."""

    id: str
    about: str
    questions: tuple[str, ...]
    answer: tuple[str, ...]
    """The answer's sentences, slots filled."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A technical problem and what the caller can try."""

    id: str
    about: str
    examples: tuple[str, ...]
    steps: tuple[tuple[str, ...], ...]
    """Sentences of each step, slots filled."""
    ticket_at_once: bool
    """True: say the steps and open the ticket in the same answer, without asking back."""
    subject: str


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything an operator writes. Made by `load_knowledge`, so every cross reference holds."""

    path: Path
    fingerprint: str
    """SHA-256 of the file: two snapshots with the same one are the same."""
    company: Company
    min_digits: int
    max_digits: int
    """How long customer numbers are."""
    plans: tuple[Plan, ...]
    menu: tuple[MenuKey, ...]
    faq: Mapping[str, Faq]
    troubles: Mapping[str, Trouble]
    intents: Mapping[str, tuple[str, ...]]
    """Example phrases per label: `billing`, `billing/dispute`, …"""
    about: Mapping[str, str]
    """Noun phrase per label (FAQ and troubles included), for asking back."""
    responses: Responses

    def examples(self) -> Mapping[str, tuple[str, ...]]:
        """Everything the classifier learns from: phrases per label, FAQ and troubles included.

        A label is an intent, or an intent and a topic: `technical_support/slow`.
        """
        return (
            dict(self.intents)
            | {f"technical_support/{key}": item.examples for key, item in self.troubles.items()}
            | {f"{FAQ}/{key}": item.questions for key, item in self.faq.items()}
        )

    def fixed_sentences(self) -> Iterator[str]:
        """Every sentence that can be spoken as it stands; the greeting first."""
        yield from self.responses.fixed_sentences()
        for option in self.menu:
            yield from self.responses.every_wording(
                "menu_option", key=option.key, choice=option.choice
            )
        for position, plan in enumerate(self.plans, 1):
            yield from self.responses.every_wording(
                "plan_offer", plan=plan.name, speed=plan.speed, price=plan.price
            )
            yield from self.responses.every_wording("plan_chosen", plan=plan.name)
            yield from self.responses.every_wording(
                "menu_option", key=str(position), choice=plan.name
            )
        for about in self.about.values():
            yield from self.responses.every_wording("confirm_topic", about=about)
            yield from self.responses.every_wording("next_topic", about=about)
        for faq in self.faq.values():
            yield from faq.answer
        for position, trouble in enumerate(self.troubles.values(), 1):
            yield from self.responses.every_wording(
                "menu_option", key=str(position), choice=trouble.about
            )
            for step in trouble.steps:
                yield from step
