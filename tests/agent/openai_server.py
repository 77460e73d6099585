"""A local server that speaks OpenAI's chat completions, with the faults of `ollama_server`."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from tests.agent.ollama_server import MODEL, Call, OllamaServer, Script, listening


class OpenAiServer(OllamaServer):
    """Events as vLLM and llama.cpp send them: a role first, a reason at the end, then [DONE]."""

    path: ClassVar[str] = "/v1/chat/completions"
    content_type: ClassVar[str] = "text/event-stream; charset=utf-8"

    def piece(self, text: str) -> bytes:
        return event(choice({"role": "assistant", "content": text}))

    def call(self, call: Call) -> list[bytes]:
        """The name first, then the arguments a few characters at a time."""
        head = {"id": "call_1", "type": "function", "function": {"name": call.name}}
        fragments = [{"index": call.index, **head}]
        for start in range(0, len(call.arguments), 7):
            part = {"arguments": call.arguments[start : start + 7]}
            fragments.append({"index": call.index, "function": part})
        return [event(choice({"tool_calls": [fragment]})) for fragment in fragments]

    def done(self, reason: str) -> bytes:
        return event(choice({}, reason)) + event({"choices": [], "usage": {}}) + b"data: [DONE]\n\n"

    def error(self, status: int, error: str) -> bytes:
        about = {"message": error, "type": "invalid_request_error", "param": None, "code": status}
        return json.dumps({"error": about}).encode()


def choice(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]}


def event(part: dict[str, Any]) -> bytes:
    head = {"id": "chatcmpl-7", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
    return f"data: {json.dumps({**head, **part})}\n\n".encode()


@asynccontextmanager
async def openai(*scripts: Script) -> AsyncIterator[OpenAiServer]:
    """A server on an ephemeral loopback port; its base URL is `url` and `/v1`."""
    async with listening(OpenAiServer(list(scripts))) as server:
        server.url += "/v1"
        yield server
