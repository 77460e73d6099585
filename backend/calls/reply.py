"""The answer to one thing heard, in the making: thought out and put into audio, without effect.

What has an effect (an action, an event, a word on the line) only happens when a `Delivery`
delivers it; until then a reply can be dropped as if it had never been.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable

from backend.agent.base import (
    Action,
    Agent,
    Dialogue,
    HangUp,
    IdentifyCustomer,
    OpenTicket,
    Transfer,
    Understood,
)
from backend.core.speech import Heard, Sentence
from backend.telephony.line import Utterance

Utter = Callable[[Sentence], Utterance]
"""Gives a sentence its audio, whose making begins at once."""
ReplyStep = Understood | Utterance | Action


class Reply:
    """Begins to think when it is made. `aclose` it, whatever came of it."""

    def __init__(self, agent: Agent, heard: Heard, dialogue: Dialogue, utter: Utter) -> None:
        self.heard = heard
        self.dialogue = dialogue
        """The dialogue it answers in."""
        self.begun_at_s = time.monotonic()
        self.next_dialogue: Dialogue | None = None
        """The dialogue it leads to, once the agent has finished."""
        self.first_sentence_at_s: float | None = None
        """`time.monotonic()` when the agent had its first sentence."""
        self._agent = agent
        self._utter = utter
        self._steps: list[ReplyStep] = []
        self._news = asyncio.Event()
        self._thinking = asyncio.create_task(self._think())
        self._thinking.add_done_callback(self._finished)

    async def steps(self) -> AsyncGenerator[ReplyStep, None]:
        """All steps from the first, as they come. Ends early when the reply is stopped.

        Raises what the agent raised.
        """
        index = 0
        while True:
            while index < len(self._steps):
                yield self._steps[index]
                index += 1
            if self._thinking.done():
                break
            await self._news.wait()
        if not self._thinking.cancelled() and (error := self._thinking.exception()) is not None:
            raise error

    def is_last(self, utterance: Utterance) -> bool:
        """Whether nothing is said after this one. False while the agent may say more."""
        utterances = [step for step in self._steps if isinstance(step, Utterance)]
        return self.next_dialogue is not None and utterance is utterances[-1]

    def stop(self) -> None:
        """Think no further. The steps there are remain."""
        self._thinking.cancel()

    def drop(self) -> None:
        """Nobody wants it (any more): thinking stops, audio nobody else waits for is not made."""
        self.stop()
        for step in self._steps:
            if isinstance(step, Utterance) and step.clip is not None:
                step.clip.close()

    async def aclose(self) -> None:
        """Drop it, and wait until nothing of it runs."""
        self.drop()
        await asyncio.wait({self._thinking})

    async def _think(self) -> None:
        reply = self._agent.reply(self.heard, self.dialogue)
        async for step in reply:
            match step:
                case Sentence():
                    self.first_sentence_at_s = self.first_sentence_at_s or time.monotonic()
                    self._add(self._utter(step))
                case Understood() | IdentifyCustomer() | OpenTicket() | Transfer() | HangUp():
                    self._add(step)
                case _:
                    self.next_dialogue = step

    def _add(self, step: ReplyStep) -> None:
        self._steps.append(step)
        self._tell()

    def _finished(self, thinking: "asyncio.Task[None]") -> None:
        if not thinking.cancelled():
            # Looked at, so that a dropped reply's trouble is not reported as never retrieved.
            thinking.exception()
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
