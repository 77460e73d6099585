"""Any server with OpenAI's chat completions: vLLM, llama.cpp, LM Studio, a hosted one."""

import json
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from typing import Any

import httpx
from pydantic import BaseModel, ValidationError

from backend.agent.llm.chat_model import ChatModel
from backend.agent.llm.model import LlmError, Piece, ToolFragment, ToolsRefusedError
from backend.agent.llm.prompt import MOST_TOKENS, Prompt
from backend.agent.llm.tools import definition

_END = "[DONE]"
_LONGEST_COMPLAINT = 200
"""Characters of a server's error that are passed on."""
_MOST_ERROR_BYTES = 20_000
_KEY_REFUSED = (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN)
_MODEL_REFUSED = (httpx.codes.BAD_REQUEST, httpx.codes.NOT_FOUND)
_NO_TOOLS = re.compile(r"not support tools|tools? param|param: tools|tool choice", re.IGNORECASE)
"""What servers say that take no tools: Ollama, llama.cpp then and now, vLLM."""
_NOT_ITS_PROTOCOL = "The LLM server sent something that is not its protocol."


class _Function(BaseModel):
    name: str | None = None
    arguments: str | None = None


class _CallDelta(BaseModel):
    index: int | None = None
    function: _Function | None = None


class _Delta(BaseModel):
    content: str | None = None
    tool_calls: list[_CallDelta] | None = None


class _Choice(BaseModel):
    delta: _Delta
    finish_reason: str | None = None


class _Chunk(BaseModel):
    """The part of a `chat.completion.chunk` we read; a last one with figures has no choices."""

    choices: list[_Choice]


class OpenAiModel(ChatModel):
    """One model behind one base URL.

    `url` is what comes before `/chat/completions`, usually ending in `/v1`; `key` may be empty.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: str = "",
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
        self._url = f"{url.rstrip('/')}/chat/completions"
        # trust_env: a proxy meant for the internet must not see what callers say. No timeout of
        # httpx's own: `within_limits` bounds the whole.
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=None,  # noqa: S113
            trust_env=False,
        )

    async def _pieces(self, prompt: Prompt) -> AsyncGenerator[tuple[Piece, bool], None]:
        body: dict[str, Any] = {
            "model": self.name,
            "messages": prompt.messages(),
            "stream": True,
            "max_tokens": MOST_TOKENS,
            "temperature": 0.2,
        }
        if prompt.tools:
            body["tools"] = [definition(tool) for tool in prompt.tools]
        try:
            async with self._client.stream("POST", self._url, json=body) as response:
                if not response.is_success or not _streams(response):
                    raise self._refusal(
                        response.status_code, await _beginning(response), tools="tools" in body
                    )
                async for data in _events(response.aiter_lines()):
                    if data == _END:
                        yield "", True
                        return
                    for piece in _pieces_of(data):
                        yield piece
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise LlmError(f"The LLM server cannot be reached: {type(error).__name__}.") from error

    def _refusal(self, status: int, body: bytes, *, tools: bool) -> LlmError:
        complaint = _complaint(body)
        if status in _KEY_REFUSED:
            return LlmError(
                "The LLM server refuses the key; check FRONTDESK_OPENAI_KEY.", hopeless=True
            )
        if tools and _NO_TOOLS.search(complaint):
            return ToolsRefusedError(f"The LLM server refused: {complaint}")
        if status in _MODEL_REFUSED and (not complaint or "model" in complaint.lower()):
            return LlmError(
                f"The LLM server has no model {self.name} under {self._url}"
                f" ({complaint or status}); check FRONTDESK_OPENAI_MODEL and FRONTDESK_OPENAI_URL.",
                hopeless=True,
            )
        if not complaint and httpx.codes.is_success(status):
            return LlmError(_NOT_ITS_PROTOCOL)
        return LlmError(f"The LLM server refused: {complaint or f'status {status}'}")

    async def aclose(self) -> None:
        """See `ChatModel`."""
        await self._client.aclose()


def _streams(response: httpx.Response) -> bool:
    """Whether events come: some servers answer errors with status 200 and plain JSON."""
    kind: str = response.headers.get("content-type", "")
    return kind.startswith("text/event-stream")


async def _beginning(response: httpx.Response) -> bytes:
    """The body, as much of it as an error can sensibly have."""
    body = b""
    async for part in response.aiter_bytes():
        body += part
        if len(body) > _MOST_ERROR_BYTES:
            break
    return body


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """The data of server-sent events. This API puts each into one line, so a line is an event."""
    async for line in lines:
        field, _, value = line.partition(":")
        if field == "data":
            yield value.strip()
        elif field.lstrip().startswith("{"):
            raise LlmError(_NOT_ITS_PROTOCOL)


def _pieces_of(data: str) -> Iterator[tuple[Piece, bool]]:
    if complaint := _complaint(data.encode()):
        raise LlmError(f"The LLM server refused: {complaint}")
    try:
        choices = _Chunk.model_validate_json(data).choices
    except ValidationError as error:
        raise LlmError(_NOT_ITS_PROTOCOL) from error
    if not choices:
        return
    delta = choices[0].delta
    for place, call in enumerate(delta.tool_calls or ()):
        function = call.function or _Function()
        index = place if call.index is None else call.index
        yield ToolFragment(index, function.name or "", function.arguments or ""), False
    yield delta.content or "", choices[0].finish_reason is not None


def _complaint(body: bytes) -> str:
    """The message of an error object, in the forms servers give it; empty for anything else."""
    try:
        said = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(said, dict):
        return ""
    error = said.get("error") or (said if said.get("object") == "error" else None)
    message = error.get("message") if isinstance(error, dict) else error
    return message.strip()[:_LONGEST_COMPLAINT] if isinstance(message, str) else ""
