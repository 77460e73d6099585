"""Answers open questions sentence by sentence: cache, breaker, model, in this order.

Whatever comes is held to the facts before it is spoken, and to its tools before it is followed.
"""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

import structlog

from backend.agent.knowledge.facts import Fact
from backend.agent.llm.answer_cache import AnswerCache
from backend.agent.llm.breaker import Breaker, BreakerState
from backend.agent.llm.chat_model import ChatModel
from backend.agent.llm.claims import ClaimKind
from backend.agent.llm.context import fitted
from backend.agent.llm.grounding import Grounding
from backend.agent.llm.model import LlmError, ToolCall
from backend.agent.llm.prompt import Prompt
from backend.agent.llm.thoughts import ThoughtFilter
from backend.agent.llm.tools import (
    AFTER_SEARCH,
    RefusedCall,
    SearchKnowledge,
    StartTask,
    ToolRequest,
    read_calls,
)
from backend.agent.sentences import SentenceStream

log = structlog.get_logger(__name__)

MOST_SENTENCES = 3
"""More is a lecture; the model is stopped after it."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """In place of a sentence that claims what nothing supports, or of a call that is refused."""

    kinds: frozenset[ClaimKind]


Answer = str | Withheld | StartTask
"""A sentence to speak, one that must not be, or the task that takes the caller over instead."""
Search = Callable[[str], Awaitable[Sequence[Fact]]]
"""Finds facts, best first."""
_TRIED_TO_ACT = Withheld(frozenset({ClaimKind.DEED}))


class OpenQuestions:
    """One for all calls. `warn(code, message)` is told when the model stops being asked."""

    def __init__(
        self,
        model: ChatModel,
        warn: Callable[[str, str], None],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._warn = warn
        self._clock = clock
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

    async def answer(self, prompt: Prompt, search: Search) -> AsyncGenerator[Answer, None]:
        """Sentences as they are complete, or one StartTask; nothing when there is no answer.

        Never raises, but for what `search` raises. What the model left unfinished is not spoken,
        and what it invented is `Withheld`. Close the iterator when the caller is gone.
        """
        begun_at_s = self._clock()
        query = ""
        async with aclosing(self._held_to_facts(prompt, begun_at_s)) as items:
            async for item in items:
                if isinstance(item, SearchKnowledge):
                    query = item.query
                else:
                    yield item
        more = await search(query) if query else ()
        if not set(more) - set(prompt.facts):
            return
        facts = tuple(dict.fromkeys((*more, *prompt.facts)))
        again = replace(prompt, facts=facts, tools=AFTER_SEARCH)
        async with aclosing(self._held_to_facts(again, begun_at_s)) as items:
            async for item in items:
                if not isinstance(item, SearchKnowledge):
                    yield item

    async def _held_to_facts(
        self, prompt: Prompt, begun_at_s: float
    ) -> AsyncGenerator[str | Withheld | ToolRequest, None]:
        prompt = fitted(prompt, self._model.context_tokens)
        grounding = Grounding.of(prompt)
        async with aclosing(self._answer(prompt, begun_at_s)) as items:
            async for item in items:
                if isinstance(item, RefusedCall):
                    log.warning("llm-call-refused", model=self._model.name, reason=item.reason)
                    yield _TRIED_TO_ACT
                elif not isinstance(item, str):
                    yield item
                elif kinds := grounding.ungrounded(item):
                    # Only the kinds: what callers and bot say is no matter for logs.
                    log.warning("llm-ungrounded", model=self._model.name, claims=sorted(kinds))
                    yield Withheld(kinds)
                else:
                    yield item

    async def _answer(
        self, prompt: Prompt, begun_at_s: float
    ) -> AsyncGenerator[str | ToolRequest | RefusedCall, None]:
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
        called = False
        try:
            async with aclosing(self._generated(prompt, begun_at_s)) as items:
                async for item in items:
                    if isinstance(item, str):
                        spoken.append(item)
                    else:
                        called = True
                    yield item
            self._breaker.succeeded()
            settled = True
            if spoken and not called:
                self._cache.put(key, spoken)
        except LlmError as error:
            settled = True
            self._note_failure(error)
        finally:
            if not settled:
                self._breaker.abandoned()

    async def _generated(
        self, prompt: Prompt, begun_at_s: float
    ) -> AsyncGenerator[str | ToolRequest | RefusedCall, None]:
        stream, thoughts = SentenceStream(), ThoughtFilter()
        calls: list[ToolCall] = []
        count = 0
        spent_s = self._clock() - begun_at_s
        async with aclosing(self._model.stream(prompt, spent_s=spent_s)) as pieces:
            async for piece in pieces:
                if isinstance(piece, ToolCall):
                    calls.append(piece)
                    continue
                for sentence in stream.feed(thoughts.feed(piece)):
                    yield sentence
                    count += 1
                    if count == MOST_SENTENCES:
                        return
        rest = stream.finish()
        for sentence in rest:
            # Cut off by the token limit: half a sentence is worse than none.
            if sentence[-1] in ".!?" or not (count or calls):
                yield sentence
        if calls:
            yield read_calls(calls, prompt.tools, after_text=bool(count or rest))

    def _note_failure(self, error: LlmError) -> None:
        log.warning("llm-failed", model=self._model.name, reason=str(error))
        if self._breaker.failed(at_once=error.hopeless):
            self._warn("llm-unavailable", f"{error} Open questions are answered without it.")

    async def aclose(self) -> None:
        """Close the model's connections."""
        await self._model.aclose()
