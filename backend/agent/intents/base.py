"""The door inside the agent to whatever tells intents apart."""

from dataclasses import dataclass
from typing import Protocol

from backend.agent.knowledge.model import FAQ, UNKNOWN


@dataclass(frozen=True, slots=True)
class IntentGuess:
    """What the caller most likely wants. Confidences are calibrated probabilities, 0–1."""

    label: str
    """`billing`, `billing/dispute`, `faq/opening-hours`, …; `unknown` is out of scope."""
    confidence: float
    """That the intent is right; for `unknown`, that none of ours is meant."""
    runner_up: str = UNKNOWN
    """The best label of another intent."""
    runner_up_confidence: float = 0.0
    parts: "tuple[IntentGuess, ...]" = ()
    """The requests of an utterance that holds several, in the order they were said and each of
    another intent; empty otherwise. The guess itself is about the whole utterance."""
    said: str = ""
    """Of a part: its own words."""

    @property
    def intent(self) -> str:
        """The label without its topic: `billing` for `billing/dispute`."""
        return self.label.partition("/")[0]

    @property
    def topic(self) -> str:
        """What follows the slash; empty without one."""
        return self.label.partition("/")[2]

    @property
    def reported(self) -> str:
        """What the call's record shows: the intent; for questions, which one."""
        return self.label if self.intent == FAQ else self.intent


class IntentClassifier(Protocol):
    """Tells intents apart. Immutable and shared by all calls; answers in milliseconds."""

    def classify(self, text: str) -> IntentGuess:
        """Never raises; empty or foreign text is `unknown`."""
