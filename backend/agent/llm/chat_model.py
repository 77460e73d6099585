"""What every server's client has in common: limits, and tool calls put together."""

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace

import structlog

from backend.agent.llm.limits import within_limits
from backend.agent.llm.model import Piece, ToolCall, ToolFragment, ToolsRefusedError
from backend.agent.llm.prompt import Prompt

log = structlog.get_logger(__name__)

MOST_CALLS = 4
"""More than one is refused anyway; a model that makes them without end fills no memory."""
LONGEST_ARGUMENTS = 2000
"""Characters of a call's arguments that are kept; what is cut off is no JSON and is refused."""


class ChatModel(ABC):
    """One model on one server. Closing the iterator of `stream` stops the generation."""

    def __init__(
        self,
        model: str,
        *,
        first_token_s: float,
        total_s: float,
        context_tokens: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`context_tokens`: what prompt and answer may take together."""
        self.name = model
        self.context_tokens = context_tokens
        self._first_token_s = first_token_s
        self._total_s = total_s
        self._clock = clock
        self._takes_tools = True

    async def stream(
        self, prompt: Prompt, *, spent_s: float = 0.0
    ) -> AsyncGenerator[str | ToolCall, None]:
        """Text in pieces as it is generated, then the tools called, whole but unchecked.

        Bounded by `first_token_s` from now, and by `total_s` of which `spent_s` are gone. Raises
        LlmError, also in the middle; then nothing was called.
        """
        calls: dict[int, ToolCall] = {}
        total_s = max(0.0, self._total_s - spent_s)
        timed = within_limits(
            self._pieces_with_tools_if_taken(prompt),
            first_token_s=min(self._first_token_s, total_s),
            total_s=total_s,
            clock=self._clock,
        )
        async with aclosing(timed):
            async for piece in timed:
                if isinstance(piece, str):
                    yield piece
                else:
                    _put_together(calls, piece)
        for call in calls.values():
            yield call

    async def _pieces_with_tools_if_taken(
        self, prompt: Prompt
    ) -> AsyncGenerator[tuple[Piece, bool], None]:
        """A server that refuses the tools is asked again at once, and ever after, without."""
        if prompt.tools and self._takes_tools:
            try:
                async with aclosing(self._pieces(prompt)) as pieces:
                    async for piece in pieces:
                        yield piece
                return
            except ToolsRefusedError as error:
                self._takes_tools = False
                log.warning("llm-takes-no-tools", model=self.name, reason=str(error))
        async with aclosing(self._pieces(replace(prompt, tools=()))) as pieces:
            async for piece in pieces:
                yield piece

    @abstractmethod
    def _pieces(self, prompt: Prompt) -> AsyncGenerator[tuple[Piece, bool], None]:
        """What is generated, and whether it was the last. All of the client's errors as LlmError;
        ToolsRefusedError only before the first piece."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close connections."""


def _put_together(calls: dict[int, ToolCall], fragment: ToolFragment) -> None:
    call = calls.get(fragment.index)
    if call is None:
        if len(calls) == MOST_CALLS:
            return
        call = ToolCall("", "")
    arguments = (call.arguments + fragment.arguments)[:LONGEST_ARGUMENTS]
    calls[fragment.index] = ToolCall(call.name + fragment.name, arguments)
