"""Answers open questions sentence by sentence: cache, breaker, model, in this order.

Whatever comes is held to the facts before it is spoken.
"""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from backend.agent.llm.answer_cache import AnswerCache
from backend.agent.llm.breaker import Breaker, BreakerState
from backend.agent.llm.claims import ClaimKind
from backend.agent.llm.grounding import Grounding
from backend.agent.llm.model import LanguageModel, LlmError
from backend.agent.llm.prompt import Prompt
from backend.agent.llm.thoughts import ThoughtFilter
from backend.agent.sentences import SentenceStream

log = structlog.get_logger(__name__)

MOST_SENTENCES = 3
"""More is a lecture; the model is stopped after it."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """In place of a sentence that claims what nothing supports: it must not be spoken."""

    kinds: frozenset[ClaimKind]


class OpenQuestions:
    """One for all calls. `warn(code, message)` is told when the model stops being asked."""

    def __init__(
        self,
        model: LanguageModel,
        warn: Callable[[str, str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._warn = warn
        self._breaker = Breaker(clock)
        self._cache = AnswerCache(clock)
        self.withheld = 0
        """Sentences of the model that were not spoken because the facts do not support them."""

    @property
    def source(self) -> str:
        """For `Sentence.source`."""
        return f"llm:{self._model.name}"

    @property
    def state(self) -> BreakerState:
        """Whether the model is being asked; for health reports."""
        return self._breaker.state

    async def answer(self, prompt: Prompt) -> AsyncGenerator[str | Withheld, None]:
        """Sentences as they are complete; none when there is no answer. Never raises.

        What the model left unfinished is not spoken, and what it invented is `Withheld`. Close
        the iterator when the caller is gone.
        """
        grounding = Grounding.of(prompt)
        async with aclosing(self._answer(prompt)) as sentences:
            async for sentence in sentences:
                if kinds := grounding.ungrounded(sentence):
                    self.withheld += 1
                    # Only the kinds: what callers and bot say is no matter for logs.
                    log.warning("llm-ungrounded", model=self._model.name, claims=sorted(kinds))
                    yield Withheld(kinds)
                else:
                    yield sentence

    async def _answer(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        key = prompt.key()
        kept = self._cache.get(key)
        if kept:
            for sentence in kept:
                yield sentence
            return
        if not self._breaker.allow():
            return
        settled = False
        spoken: list[str] = []
        try:
            async with aclosing(self._sentences(prompt)) as sentences:
                async for sentence in sentences:
                    spoken.append(sentence)
                    yield sentence
            self._breaker.succeeded()
            settled = True
            if spoken:
                self._cache.put(key, spoken)
        except LlmError as error:
            settled = True
            self._note_failure(error)
        finally:
            if not settled:
                self._breaker.abandoned()

    async def _sentences(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        stream, thoughts = SentenceStream(), ThoughtFilter()
        count = 0
        async with aclosing(self._model.stream(prompt)) as pieces:
            async for piece in pieces:
                for sentence in stream.feed(thoughts.feed(piece)):
                    yield sentence
                    count += 1
                    if count == MOST_SENTENCES:
                        return
        for sentence in stream.finish():
            # Cut off by the token limit: half a sentence is worse than none.
            if not count or sentence[-1] in ".!?":
                yield sentence

    def _note_failure(self, error: LlmError) -> None:
        log.warning("llm-failed", model=self._model.name, reason=str(error))
        if self._breaker.failed(at_once=error.hopeless):
            self._warn("llm-unavailable", f"{error} Open questions are answered without it.")

    async def aclose(self) -> None:
        """Close the model's connections."""
        await self._model.aclose()
