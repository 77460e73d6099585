"""How long an answer may take: to its first words, and in all."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from backend.agent.llm.model import LlmError


async def within_limits(
    pieces: AsyncGenerator[tuple[str, bool], None],
    *,
    first_token_s: float,
    total_s: float,
    clock: Callable[[], float],
) -> AsyncGenerator[str, None]:
    """The text of `pieces`, each of which tells whether it was the last.

    `first_token_s` and `total_s` count from now; empty text is no first token. Raises LlmError
    when a limit passes, and when the pieces end without a last one. Closing it closes `pieces`.
    """
    started_s = clock()
    limit_s = first_token_s
    finished = False
    async with aclosing(pieces):
        while not finished:
            try:
                async with asyncio.timeout(started_s + limit_s - clock()):
                    text, finished = await anext(pieces)
            except StopAsyncIteration:
                raise LlmError("The answer was cut off.") from None
            except TimeoutError:
                raise LlmError(f"No answer within {limit_s:g} s.") from None
            if text:
                limit_s = total_s
                yield text
