"""The Ollama client against a server with Ollama's wire format and every fault."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from backend.agent.knowledge.facts import Fact
from backend.agent.llm.model import LlmError
from backend.agent.llm.ollama_model import OllamaModel
from backend.agent.llm.prompt import Prompt
from tests.agent.ollama_server import (
    MODEL,
    CutOff,
    Done,
    Garbage,
    Hang,
    Line,
    Piece,
    Refuse,
    Script,
    Stop,
    ollama,
    pieces,
)

PROMPT = Prompt("Acme", [Fact("We sell gates.", "kb:faq/gates")], "do you sell gates")


@asynccontextmanager
async def client(
    url: str, first_token_s: float = 5.0, total_s: float = 5.0
) -> AsyncIterator[OllamaModel]:
    model = OllamaModel(url, MODEL, first_token_s=first_token_s, total_s=total_s)
    try:
        yield model
    finally:
        await model.aclose()


async def collect(model: OllamaModel) -> list[str]:
    return [text async for text in model.stream(PROMPT)]


def failure(script: Script, *, first_token_s: float = 5.0, total_s: float = 5.0) -> LlmError:
    """The error that `script` ends in, after whatever was streamed before."""

    async def play() -> LlmError:
        async with ollama(script) as server, client(server.url, first_token_s, total_s) as model:
            with pytest.raises(LlmError) as caught:
                await collect(model)
            return caught.value

    return asyncio.run(play())


def test_text_arrives_in_the_pieces_it_was_generated_in() -> None:
    async def play() -> list[str]:
        script: Script = [*pieces("Yes we do."), Done()]
        async with ollama(script) as server, client(server.url) as model:
            return await collect(model)

    assert asyncio.run(play()) == ["Yes", " we", " do."]


def test_the_request_is_what_ollama_expects() -> None:
    async def play() -> dict[str, object]:
        async with ollama([Piece("Yes."), Done()]) as server, client(server.url) as model:
            await collect(model)
            return server.requests[0]

    request = asyncio.run(play())
    assert request["model"] == MODEL
    assert request["stream"] is True
    assert request["think"] is False
    assert request["messages"] == PROMPT.messages()


def test_one_connection_serves_several_questions() -> None:
    async def play() -> int:
        async with ollama([Piece("Yes."), Done()]) as server, client(server.url) as model:
            await collect(model)
            await collect(model)
            return len(server.requests)

    assert asyncio.run(play()) == 2


def test_no_first_token_in_time_is_an_error() -> None:
    assert "No answer within 0.05 s" in str(failure([Hang()], first_token_s=0.05))


def test_empty_pieces_are_no_first_token() -> None:
    error = failure([Piece(""), Piece(""), Hang()], first_token_s=0.05)
    assert "No answer within 0.05 s" in str(error)


def test_an_answer_that_takes_too_long_in_all_is_an_error() -> None:
    error = failure([Piece("Yes"), Hang()], total_s=0.1)
    assert "No answer within 0.1 s" in str(error)


def test_a_broken_connection_is_an_error() -> None:
    assert "cannot be reached" in str(failure([Piece("Yes"), CutOff()]))


def test_a_stream_without_its_end_is_an_error() -> None:
    assert "cut off" in str(failure([Piece("Yes"), Stop()]))


@pytest.mark.parametrize(
    "raw", [b"{half", b"[]", b'"text"', b"7", b"null", b"{}", b'{"message": 7}', b"\xff\xfe"]
)
def test_a_malformed_line_is_an_error(raw: bytes) -> None:
    assert "not its protocol" in str(failure([Piece("Yes"), Line(raw)]))


def test_an_error_in_the_stream_is_an_error() -> None:
    error = failure([Piece("Yes"), Line(b'{"error": "out of memory"}')])
    assert "out of memory" in str(error)


def test_a_missing_model_is_hopeless_and_says_how_to_fetch_it() -> None:
    error = failure([Refuse(404, f"model '{MODEL}' not found")])
    assert error.hopeless
    assert f"ollama pull {MODEL}" in str(error)


def test_a_server_error_is_not_hopeless() -> None:
    error = failure([Refuse(500, "boom")])
    assert not error.hopeless
    assert "boom" in str(error)


def test_something_that_is_not_http_is_an_error() -> None:
    assert "cannot be reached" in str(failure([Garbage(b"220 mail server ready\r\n")]))


def test_nobody_listening_is_an_error() -> None:
    async def play() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound, never listening
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            async with client(url) as model:
                with pytest.raises(LlmError, match="cannot be reached"):
                    await collect(model)

    asyncio.run(play())


def test_closing_the_stream_closes_the_connection() -> None:
    async def play() -> None:
        async with ollama([Piece("Yes"), Hang()]) as server, client(server.url) as model:
            async with aclosing(model.stream(PROMPT)) as stream:
                assert await anext(stream) == "Yes"
            await asyncio.wait_for(server.left.wait(), 5)

    asyncio.run(play())


def test_cancelling_before_the_first_token_closes_the_connection() -> None:
    async def play() -> None:
        async with ollama([Hang()]) as server, client(server.url) as model:
            asking = asyncio.create_task(collect(model))
            await asyncio.wait_for(server.asked.wait(), 5)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await asyncio.wait_for(server.left.wait(), 5)

    asyncio.run(play())
