"""What only Ollama's client must do; the rest is in `test_agent_llm_clients`."""

import asyncio

import pytest

from backend.api.services import PartState
from backend.config import Settings
from backend.health import llm_health
from tests.agent.llm_clients import CONTEXT_TOKENS, OLLAMA
from tests.agent.ollama_server import MODEL, Call, Done, Line, Piece, Refuse, Script


def test_the_request_keeps_the_model_loaded_quiet_and_within_its_context() -> None:
    _, server = OLLAMA.answered([Piece("Yes."), Done()])
    (request,) = server.requests
    assert request["think"] is False
    assert request["keep_alive"] == "30m"
    assert request["options"]["num_ctx"] == CONTEXT_TOKENS


@pytest.mark.parametrize(
    "raw",
    [
        b"{half",
        b"[]",
        b'"text"',
        b"7",
        b"null",
        b"{}",
        b'{"message": 7}',
        b"\xff\xfe",
        b'{"message": {"role": "assistant", "tool_calls": 7}}',
        b'{"message": {"role": "assistant", "tool_calls": [{"function": {"name": "x"}}]}}',
    ],
)
def test_a_malformed_line_is_an_error(raw: bytes) -> None:
    assert "not its protocol" in str(OLLAMA.failure([Piece("Yes"), Line(raw)]))


@pytest.mark.parametrize("arguments", ['"billing"', "[]", "null", "{half"])
def test_arguments_that_are_no_object_are_an_error(arguments: str) -> None:
    script: Script = [Call("start_task", arguments), Done()]
    assert "not its protocol" in str(OLLAMA.failure(script))


def test_an_error_in_the_stream_is_an_error() -> None:
    error = OLLAMA.failure([Piece("Yes"), Line(b'{"error": "out of memory"}')])
    assert "out of memory" in str(error)


def test_a_missing_model_is_hopeless_and_says_how_to_fetch_it() -> None:
    error = OLLAMA.failure([Refuse(404, f"model '{MODEL}' not found")])
    assert error.hopeless
    assert f"frontdesk models fetch ollama:{MODEL}" in str(error)


@pytest.mark.parametrize(
    ("listed", "state", "fix"),
    [
        (f'{{"models": [{{"name": "{MODEL}:latest"}}]}}', PartState.OK, ""),
        ('{"models": []}', PartState.DEGRADED, f"frontdesk models fetch ollama:{MODEL}"),
        ("<html>", PartState.DEGRADED, "ollama serve"),
    ],
)
def test_health_names_the_command_that_fetches_a_missing_model(
    listed: str, state: PartState, fix: str
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /api/tags ")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(listed)}\r\n\r\n{listed}".encode())
        await writer.drain()
        writer.close()

    async def play() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            settings = Settings.model_validate({"ollama_url": url, "ollama_model": MODEL})
            health = await llm_health(settings)
        assert health.state is state
        assert fix in health.fix

    asyncio.run(play())
