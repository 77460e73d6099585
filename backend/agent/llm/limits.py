"""How long an answer may take: to its first words, and in all."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from backend.agent.llm.model import LlmError, Piece


async def within_limits(
    pieces: AsyncGenerator[tuple[Piece, bool], None],
    *,
    first_token_s: float,
    total_s: float,
    clock: Callable[[], float],
) -> AsyncGenerator[Piece, None]:
    """The `pieces`, each of which comes with whether it was the last.

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
                    piece, finished = await anext(pieces)
            except StopAsyncIteration:
                raise LlmError("The answer was cut off.") from None
            except TimeoutError:
                raise LlmError(f"No answer within {limit_s:g} s.") from None
            if piece:
                limit_s = total_s
                yield piece
