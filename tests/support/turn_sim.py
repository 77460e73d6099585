"""A caller in virtual time: windows of voice and silence, and what turn-taking makes of them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from backend.core.speech import OPEN_QUESTION, Completeness, Expect, HeardSoFar, Question
from backend.turns.base import Decision, Window
from backend.turns.settings import TurnSettings
from backend.turns.taker import FloorKeeper

WINDOW_S = 0.032
YES_NO = Question(Expect.YES_NO)
NUMBER = Question(Expect.NUMBER, min_digits=4, max_digits=8)
UNSURE = HeardSoFar("", Completeness.UNKNOWN)
COUGH = HeardSoFar()


def said(text: str, completeness: Completeness = Completeness.COMPLETE) -> HeardSoFar:
    return HeardSoFar(text, completeness)


@dataclass
class Caller:
    """Speaks and is silent for a time; `understood` is known 30 ms after each pause begins."""

    keeper: FloorKeeper = field(default_factory=lambda: FloorKeeper(TurnSettings()))
    understood: HeardSoFar = COUGH
    now_s: float = 100.0
    decisions: list[tuple[float, Decision]] = field(default_factory=list)
    on_decision: Callable[[Decision], None] = lambda _: None
    _windows_paused: int | None = None

    def listened_to(self, question: Question = OPEN_QUESTION) -> "Caller":
        self.keeper.listen(question, self.now_s)
        return self

    def spoken_to(self, *, interruptible: bool = True) -> "Caller":
        self.keeper.speak(self.now_s, interruptible=interruptible)
        return self

    def voice(self, seconds: float, level_dbfs: float = -20.0, *, echo: bool = False) -> "Caller":
        return self.window(0.99, level_dbfs, seconds, echo=echo)

    def silence(self, seconds: float, level_dbfs: float = -65.0) -> "Caller":
        return self.window(0.02, level_dbfs, seconds)

    def window(
        self,
        probability: float,
        level_dbfs: float,
        seconds: float = WINDOW_S,
        *,
        echo: bool = False,
    ) -> "Caller":
        """As many windows of this as fit into `seconds`, but one."""
        for _ in range(max(1, round(seconds / WINDOW_S))):
            self.now_s += WINDOW_S
            heard = Window(self.now_s, WINDOW_S, probability, level_dbfs, echo)
            decision = self.keeper.hear(heard, self._heard_so_far())
            self._note(decision)
        return self

    @property
    def course(self) -> list[Decision]:
        return [decision for _, decision in self.decisions]

    def at_s(self, decision: Decision) -> float:
        """When it came last."""
        return [at_s for at_s, what in self.decisions if what is decision][-1]

    def _heard_so_far(self) -> HeardSoFar:
        if self._windows_paused is None:
            return COUGH
        self._windows_paused += 1
        return self.understood if self._windows_paused > 1 else UNSURE

    def _note(self, decision: Decision | None) -> None:
        if decision is None:
            return
        self.decisions.append((self.now_s, decision))
        if decision is Decision.PAUSED:
            self._windows_paused = 0
        elif decision in (Decision.RESUMED, Decision.GO_ON, Decision.STARTED, Decision.HOLD):
            self._windows_paused = None
        self.on_decision(decision)
