"""Ollama through its own client: a prompt in, text out as it is generated."""

import json
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import cast

import httpx
import ollama
import pydantic

from backend.agent.llm.limits import within_limits
from backend.agent.llm.model import LlmError
from backend.agent.llm.prompt import MOST_TOKENS, Prompt

KEEP_LOADED = "30m"
"""Loading a model takes longer than any caller waits: it stays in memory between calls."""


class OllamaModel:
    """One model on one Ollama server. Closing the iterator of `stream` stops the generation."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        first_token_s: float,
        total_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._first_token_s = first_token_s
        self._total_s = total_s
        self._clock = clock
        # trust_env: a proxy meant for the internet must not see what callers say.
        self._client = ollama.AsyncClient(host=url, trust_env=False)

    @property
    def name(self) -> str:
        """As Ollama lists it."""
        return self._model

    async def stream(self, prompt: Prompt) -> AsyncGenerator[str, None]:
        """See `LanguageModel`. Bounded by `first_token_s` and `total_s` from now."""
        timed = within_limits(
            self._pieces(prompt),
            first_token_s=self._first_token_s,
            total_s=self._total_s,
            clock=self._clock,
        )
        async with aclosing(timed):
            async for text in timed:
                yield text

    async def _pieces(self, prompt: Prompt) -> AsyncGenerator[tuple[str, bool], None]:
        """Visible text and whether it was the last; all of the client's errors as LlmError."""
        try:
            parts = await self._client.chat(
                model=self._model,
                messages=prompt.messages(),
                stream=True,
                think=False,  # nobody waits on the phone while a model thinks aloud
                keep_alive=KEEP_LOADED,
                options={"num_predict": MOST_TOKENS, "temperature": 0.2},
            )
            # The client says "iterator"; it is a generator, and closing it closes the connection.
            generator = cast(AsyncGenerator[ollama.ChatResponse, None], parts)
            async with aclosing(generator):
                async for part in generator:
                    yield part.message.content or "", bool(part.done)
        except ollama.ResponseError as error:
            if error.status_code == httpx.codes.NOT_FOUND:
                raise LlmError(
                    f"Ollama has no model {self._model}; fetch it with"
                    f" `ollama pull {self._model}`.",
                    hopeless=True,
                ) from error
            raise LlmError(f"Ollama refused: {error.error[:200]}") from error
        except (httpx.HTTPError, httpx.InvalidURL, ConnectionError) as error:
            raise LlmError(f"Ollama cannot be reached: {type(error).__name__}.") from error
        except (json.JSONDecodeError, pydantic.ValidationError, AttributeError, TypeError) as error:
            # The client parses lines without checking them.
            raise LlmError("Ollama sent something that is not its protocol.") from error

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.close()  # type: ignore[no-untyped-call]
