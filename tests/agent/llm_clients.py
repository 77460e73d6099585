"""The clients under test, each with the server that speaks its format."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest

from backend.agent.knowledge.facts import Fact
from backend.agent.llm.chat_model import ChatModel
from backend.agent.llm.model import LlmError, ToolCall
from backend.agent.llm.ollama_model import OllamaModel
from backend.agent.llm.openai_model import OpenAiModel
from backend.agent.llm.prompt import Prompt
from backend.agent.llm.tools import TOOLS
from tests.agent.ollama_server import MODEL, OllamaServer, Script, ollama
from tests.agent.openai_server import openai

PROMPT = Prompt("Acme", [Fact("We sell gates.", "kb:faq/gates")], "do you sell gates", tools=TOOLS)
CONTEXT_TOKENS = 3000


@dataclass(frozen=True)
class Client:
    """One of the two, and how to play a script to it."""

    make: Callable[..., ChatModel]
    serve: Callable[..., AbstractAsyncContextManager[OllamaServer]]

    @asynccontextmanager
    async def at(
        self, url: str, first_token_s: float = 5.0, total_s: float = 5.0, key: str = ""
    ) -> AsyncIterator[ChatModel]:
        """The client of a server at `url`."""
        limits = {"first_token_s": first_token_s, "total_s": total_s}
        keys = {"key": key} if key else {}  # only one of the two takes any
        model = self.make(url, MODEL, context_tokens=CONTEXT_TOKENS, **limits, **keys)
        try:
            yield model
        finally:
            await model.aclose()

    def answered(
        self, *scripts: Script, key: str = ""
    ) -> tuple[list[str | ToolCall], OllamaServer]:
        """What comes of one question, and the server that played the scripts."""

        async def play() -> tuple[list[str | ToolCall], OllamaServer]:
            async with self.serve(*scripts) as server, self.at(server.url, key=key) as model:
                return await collect(model), server

        return asyncio.run(play())

    def failure(
        self, script: Script, *, first_token_s: float = 5.0, total_s: float = 5.0
    ) -> LlmError:
        """The error that `script` ends in, after whatever was streamed before."""

        async def play() -> LlmError:
            async with (
                self.serve(script) as server,
                self.at(server.url, first_token_s, total_s) as model,
            ):
                with pytest.raises(LlmError) as caught:
                    await collect(model)
                return caught.value

        return asyncio.run(play())


OLLAMA = Client(OllamaModel, ollama)
OPENAI = Client(OpenAiModel, openai)


async def collect(model: ChatModel) -> list[str | ToolCall]:
    return [piece async for piece in model.stream(PROMPT)]
