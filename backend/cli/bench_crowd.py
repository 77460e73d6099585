"""Callers who talk all the time, as many as wanted, for as long as wanted."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from backend.audio.pcm import Pcm
from backend.core.errors import LineError
from backend.phone.call import PhoneCall
from backend.phone.phone import Phone

DIALS_PER_S = 10
_CALL_S = 120.0
"""Then a caller hangs up and calls again: within the bot's longest call, and like real calls."""
_QUIET_S = 0.5
_PATIENCE_S = 12.0
_LONGEST_SPEECH_S = 60.0
_BREATH_S = 1.0
"""Before calling again, above all after a refusal."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One answer: when it began (`time.monotonic()`), and how long the caller had waited."""

    at_s: float
    latency_s: float
    question: int
    """Which of the crowd's it answers."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that was refused, broke off, or in which the bot fell silent."""

    at_s: float
    reason: str


@dataclass(slots=True)
class Crowd:
    """Its tasks belong to `group`; `leave` ends them."""

    phone: Phone
    uri: str
    questions: Sequence[Pcm]
    callers: Iterator[str]
    group: asyncio.TaskGroup
    think_s: float = 0.0
    """How long callers think about an answer before they ask on, at most."""
    turns: list[Turn] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    _deck: list[int] = field(default_factory=list)
    """Questions still to be asked before any is asked again, by whomever."""
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    async def grow_to(self, count: int) -> None:
        """More callers, a few a second."""
        while len(self._tasks) < count:
            self._tasks.append(self.group.create_task(self._keep_calling()))
            await asyncio.sleep(1 / DIALS_PER_S)

    async def leave(self) -> None:
        """Everybody hangs up."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep_calling(self) -> None:
        while True:
            try:
                call = await self.phone.dial(self.uri, caller=next(self.callers))
                try:
                    await self._talk(call)
                finally:
                    await call.hang_up()
            except TimeoutError:
                self._failed("The bot was silent for too long, or spoke for too long.")
            except LineError as error:
                self._failed(error.message)
            await asyncio.sleep(_BREATH_S)

    async def _talk(self, call: PhoneCall) -> None:
        """Ask, hear the answer out, ask again."""
        heard_until_s = call.dialled_at_s
        finished_s: float | None = None
        question = 0
        until_s = time.monotonic() + _CALL_S * random.uniform(0.5, 1.0)
        while time.monotonic() < until_s:
            first = await call.wait_for_voice(heard_until_s, _PATIENCE_S)
            # Who answers before the question is over was still speaking: no latency to speak of.
            if finished_s is not None and first.start_s > finished_s:
                self.turns.append(Turn(first.start_s, first.start_s - finished_s, question))
            span = await call.wait_for_quiet(_QUIET_S, _LONGEST_SPEECH_S, heard_until_s)
            heard_until_s = span.end_s
            await call.stay(random.uniform(0, self.think_s))
            question = self._draw()
            sent = await call.speak(self.questions[question])
            finished_s = sent.voice.end_s if sent.voice else sent.end_s

    def _draw(self) -> int:
        if not self._deck:
            self._deck = random.sample(range(len(self.questions)), len(self.questions))
        return self._deck.pop()

    def _failed(self, reason: str) -> None:
        self.failures.append(Failure(time.monotonic(), reason))
