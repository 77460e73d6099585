"""Ollama through its own client: a prompt in, text and tool calls out as they are generated."""

import json
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from itertools import count
from typing import cast

import httpx
import ollama
import pydantic

from backend.agent.llm.chat_model import ChatModel
from backend.agent.llm.model import LlmError, Piece, ToolFragment, ToolsRefusedError
from backend.agent.llm.prompt import MOST_TOKENS, Prompt
from backend.agent.llm.tools import definition

KEEP_LOADED = "30m"
"""Loading a model takes longer than any caller waits: it stays in memory between calls."""
_NO_TOOLS = "does not support tools"
"""What Ollama says of a model whose template has no place for them."""


class OllamaModel(ChatModel):
    """One model on one Ollama server."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        first_token_s: float,
        total_s: float,
        context_tokens: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(
            model,
            first_token_s=first_token_s,
            total_s=total_s,
            context_tokens=context_tokens,
            clock=clock,
        )
        # trust_env: a proxy meant for the internet must not see what callers say.
        self._client = ollama.AsyncClient(host=url, trust_env=False)

    async def _pieces(self, prompt: Prompt) -> AsyncGenerator[tuple[Piece, bool], None]:
        calls = count()
        try:
            parts = await self._client.chat(
                model=self.name,
                messages=prompt.messages(),
                tools=[definition(tool) for tool in prompt.tools] or None,
                stream=True,
                think=False,  # nobody waits on the phone while a model thinks aloud
                keep_alive=KEEP_LOADED,
                options={
                    "num_predict": MOST_TOKENS,
                    "num_ctx": self.context_tokens,
                    "temperature": 0.2,
                },
            )
            # The client says "iterator"; it is a generator, and closing it closes the connection.
            generator = cast(AsyncGenerator[ollama.ChatResponse, None], parts)
            async with aclosing(generator):
                async for part in generator:
                    for call in part.message.tool_calls or ():
                        yield _fragment(next(calls), call), False
                    yield part.message.content or "", bool(part.done)
        except ollama.ResponseError as error:
            raise self._refusal(error, prompt.tools) from error
        except (httpx.HTTPError, httpx.InvalidURL, ConnectionError) as error:
            raise LlmError(f"Ollama cannot be reached: {type(error).__name__}.") from error
        except (json.JSONDecodeError, pydantic.ValidationError, AttributeError, TypeError) as error:
            # The client parses lines without checking them.
            raise LlmError("Ollama sent something that is not its protocol.") from error

    def _refusal(self, error: ollama.ResponseError, tools: Sequence[object]) -> LlmError:
        if error.status_code == httpx.codes.NOT_FOUND:
            return LlmError(
                f"Ollama has no model {self.name}; fetch it with"
                f" `frontdesk models fetch ollama:{self.name}`.",
                hopeless=True,
            )
        complaint = f"Ollama refused: {error.error[:200]}"
        if tools and error.status_code == httpx.codes.BAD_REQUEST and _NO_TOOLS in error.error:
            return ToolsRefusedError(complaint)
        return LlmError(complaint)

    async def aclose(self) -> None:
        """See `ChatModel`."""
        await self._client.close()  # type: ignore[no-untyped-call]


def _fragment(index: int, call: ollama.Message.ToolCall) -> ToolFragment:
    """Ollama sends calls whole, with arguments parsed."""
    return ToolFragment(index, call.function.name, json.dumps(dict(call.function.arguments)))
