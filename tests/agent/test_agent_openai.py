"""What only the OpenAI-compatible client must do; the rest is in `test_agent_llm_clients`."""

import asyncio

import pytest

from backend.agent.llm.model import ToolCall
from backend.api.services import PartState
from backend.config import Settings, load_settings
from backend.core.errors import ConfigError
from backend.core.records import CallInfo
from backend.core.speech import Heard, HeardKind, Sentence
from backend.health import llm_health
from tests.agent.conftest import AgentMaker
from tests.agent.harness import collect
from tests.agent.llm_clients import OPENAI
from tests.agent.ollama_server import (
    MODEL,
    Call,
    Done,
    Garbage,
    Hang,
    Line,
    Piece,
    Refuse,
    pieces,
)
from tests.agent.openai_server import openai

KEY = "sk-held-dear"


def test_a_key_is_sent_only_where_there_is_one() -> None:
    _, server = OPENAI.answered([Piece("Yes."), Done()], key=KEY)
    assert server.headers[0]["authorization"] == f"bearer {KEY}"
    _, server = OPENAI.answered([Piece("Yes."), Done()])
    assert "authorization" not in server.headers[0]


def test_comments_event_names_and_thoughts_are_skipped() -> None:
    thought = b'data: {"choices":[{"delta":{"reasoning_content":"hmm"}}]}\n'
    comments = [Line(b": ping\n"), Line(b"event: message"), Line(thought)]
    assert OPENAI.answered([*comments, Piece("Yes."), Done()])[0] == ["Yes."]


def test_the_reason_to_stop_is_an_end_without_the_last_event() -> None:
    end = b'data: {"choices":[{"delta":{"content":"!"},"finish_reason":"stop"}]}\n'
    assert OPENAI.answered([Piece("Yes"), Line(end), Hang()])[0] == ["Yes", "!"]


def test_comments_are_no_first_token() -> None:
    error = OPENAI.failure([Line(b": ping\n"), Hang()], first_token_s=0.05)
    assert "No answer within 0.05 s" in str(error)


def test_a_call_sent_whole_and_without_a_place_is_taken() -> None:
    function = '{"name": "start_task", "arguments": "{\\"task\\": \\"billing\\"}"}'
    end = f'data: {{"choices":[{{"delta":{{"tool_calls":[{{"function":{function}}}]}}'
    whole = f'{end},"finish_reason":"tool_calls"}}]}}\n'.encode()
    (call,), _ = OPENAI.answered([Line(whole), Hang()])
    assert call == ToolCall("start_task", '{"task": "billing"}')


def test_arguments_are_passed_on_as_the_model_wrote_them() -> None:
    (call,), _ = OPENAI.answered([Call("start_task", '{"task": bill'), Done("tool_calls")])
    assert call == ToolCall("start_task", '{"task": bill')


@pytest.mark.parametrize(
    "raw",
    [
        b"data: {half",
        b"data: []",
        b"data: 7",
        b"data: null",
        b"data: {}",
        b'data: {"choices": 7}',
        b'data: {"choices": [{"delta": 7}]}',
        b'data: {"choices": [{"delta": {"content": 7}}]}',
        b'data: {"choices": [{"delta": {"tool_calls": 7}}]}',
        b'data: {"choices": [{"delta": {"tool_calls": [{"index": "x"}]}}]}',
        b"data: \xff\xfe",
        b'{"choices": []}',
    ],
)
def test_a_malformed_event_is_an_error(raw: bytes) -> None:
    assert "not its protocol" in str(OPENAI.failure([Piece("Yes"), Line(raw + b"\n")]))


@pytest.mark.parametrize(
    "raw",
    [
        b'data: {"error": {"message": "out of memory", "code": 500}}',
        b'data: {"error": "out of memory"}',
        b'data: {"object": "error", "message": "out of memory"}',
    ],
)
def test_an_error_object_in_the_stream_is_an_error(raw: bytes) -> None:
    error = OPENAI.failure([Piece("Yes"), Line(raw + b"\n")])
    assert "out of memory" in str(error)
    assert not error.hopeless


@pytest.mark.parametrize("status", [400, 404])
def test_a_wrong_model_is_hopeless_and_names_the_setting(status: int) -> None:
    error = OPENAI.failure([Refuse(status, f"The model `{MODEL}` does not exist.")])
    assert error.hopeless
    assert "FRONTDESK_OPENAI_MODEL" in str(error)


def test_a_refused_key_is_hopeless_and_names_the_setting() -> None:
    error = OPENAI.failure([Refuse(401, f"Incorrect API key provided: {KEY}")])
    assert error.hopeless
    assert "FRONTDESK_OPENAI_KEY" in str(error)
    assert KEY not in str(error)


def test_a_server_that_is_loading_or_busy_is_not_hopeless() -> None:
    for status, complaint in ((503, "Loading model"), (429, "Rate limit"), (500, "boom")):
        error = OPENAI.failure([Refuse(status, complaint)])
        assert not error.hopeless
        assert complaint in str(error)


def test_a_web_page_instead_of_events_is_an_error() -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<p>\n"
    assert "not its protocol" in str(OPENAI.failure([Garbage(page)]))


def test_the_settings_choose_it_instead_of_ollama(make_agent: AgentMaker) -> None:
    async def play() -> None:
        async with openai([*pieces("Some of them do."), Done()]) as server:
            agent = make_agent(
                openai_url=server.url, openai_model=MODEL, openai_key=KEY, ollama_model="other"
            )
            try:
                heard = Heard(HeardKind.WORDS, "do your technicians speak portuguese")
                steps = await collect(agent, heard, agent.begin(CallInfo("call-1", "text")))
            finally:
                await agent.aclose()
            (first, *_) = [step for step in steps if isinstance(step, Sentence)]
            assert first == Sentence("Some of them do.", f"llm:{MODEL}")

    asyncio.run(play())


def test_a_key_that_cannot_be_sent_is_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FRONTDESK_OPENAI_KEY", f"{KEY} \N{EURO SIGN}")
    with pytest.raises(ConfigError) as caught:
        load_settings(env_file=None)
    assert "FRONTDESK_OPENAI_KEY" in str(caught.value)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("listed", "state", "fix"),
    [
        (f'{{"data": [{{"id": "{MODEL}"}}]}}', PartState.OK, ""),
        ('{"data": [{"id": "other"}]}', PartState.DEGRADED, "one it has: other"),
        ('{"models": []}', PartState.DEGRADED, "check FRONTDESK_OPENAI_URL"),
        ("<html>", PartState.DEGRADED, "check FRONTDESK_OPENAI_URL"),
    ],
)
def test_health_reports_whether_the_model_is_there(listed: str, state: PartState, fix: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"GET /v1/models ")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(listed)}\r\n\r\n{listed}".encode())
        await writer.drain()
        writer.close()

    async def play() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            url = f"http://127.0.0.1:{port}/v1/"
            health = await llm_health(
                Settings.model_validate({"openai_url": url, "openai_model": MODEL})
            )
        assert health.state is state
        assert fix in health.fix

    asyncio.run(play())
