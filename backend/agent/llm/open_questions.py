"""Answers open questions sentence by sentence: cache, breaker, model, in this order."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import structlog

from backend.agent.llm.answer_cache import AnswerCache
from backend.agent.llm.breaker import Breaker, BreakerState
from backend.agent.llm.model import LanguageModel, LlmError
from backend.agent.llm.prompt import Prompt
from backend.agent.llm.thoughts import ThoughtFilter
from backend.agent.sentences import SentenceStream

log = structlog.get_logger(__name__)

MOST_SENTENCES = 3
"""More is a lecture; the model is stopped after it."""


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

    @property
    def source(self) -> str:
        """For `Sentence.source`."""
        return f"llm:{self._model.name}"

    @property
    def state(self) -> BreakerState:
        """Whether the model is being asked; for health reports."""
        return self._breaker.state

    async def answer(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        """Sentences as they are complete; none when there is no answer. Never raises.

        What the model left unfinished is not spoken. Close the iterator when the caller is gone.
        """
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
