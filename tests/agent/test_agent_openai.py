"""The OpenAI-compatible client against a server with the real wire format and every fault."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from backend.agent.knowledge.facts import Fact
from backend.agent.llm.model import LlmError
from backend.agent.llm.openai_model import OpenAiModel
from backend.agent.llm.prompt import Prompt
from backend.api.services import PartState
from backend.config import Settings, load_settings
from backend.core.errors import ConfigError
from backend.core.records import CallInfo
from backend.core.speech import Heard, HeardKind, Sentence
from backend.health import llm_health
from tests.agent.conftest import AgentMaker
from tests.agent.harness import collect
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
    pieces,
)
from tests.agent.openai_server import OpenAiServer, openai

PROMPT = Prompt("Acme", [Fact("We sell gates.", "kb:faq/gates")], "do you sell gates")
KEY = "sk-held-dear"


@asynccontextmanager
async def client(
    url: str, first_token_s: float = 5.0, total_s: float = 5.0, key: str = ""
) -> AsyncIterator[OpenAiModel]:
    model = OpenAiModel(url, MODEL, key=key, first_token_s=first_token_s, total_s=total_s)
    try:
        yield model
    finally:
        await model.aclose()


async def streamed(model: OpenAiModel) -> list[str]:
    return [text async for text in model.stream(PROMPT)]


def answered(*script: object, key: str = "") -> tuple[str, OpenAiServer]:
    """What `script` says, and the server it said it."""

    async def play() -> tuple[str, OpenAiServer]:
        async with openai(list(script)) as server, client(server.url, key=key) as model:  # type: ignore[arg-type]
            return "".join(await streamed(model)), server

    return asyncio.run(play())


def failure(script: Script, *, first_token_s: float = 5.0, total_s: float = 5.0) -> LlmError:
    """The error that `script` ends in, after whatever was streamed before."""

    async def play() -> LlmError:
        async with openai(script) as server, client(server.url, first_token_s, total_s) as model:
            with pytest.raises(LlmError) as caught:
                await streamed(model)
            return caught.value

    return asyncio.run(play())


def test_text_arrives_as_it_is_generated() -> None:
    text, server = answered(*pieces("Yes we do."), Done())
    assert text == "Yes we do."
    request = server.requests[0]
    assert request["model"] == MODEL
    assert request["stream"] is True
    assert request["messages"] == PROMPT.messages()


def test_a_key_is_sent_only_where_there_is_one() -> None:
    _, server = answered(Piece("Yes."), Done(), key=KEY)
    assert server.headers[0]["authorization"] == f"bearer {KEY}"
    _, server = answered(Piece("Yes."), Done())
    assert "authorization" not in server.headers[0]


def test_comments_event_names_and_thoughts_are_skipped() -> None:
    thought = b'data: {"choices":[{"delta":{"reasoning_content":"hmm"}}]}\n'
    text, _ = answered(
        Line(b": ping\n"), Line(b"event: message"), Line(thought), Piece("Yes."), Done()
    )
    assert text == "Yes."


def test_the_reason_to_stop_is_an_end_without_the_last_event() -> None:
    end = b'data: {"choices":[{"delta":{"content":"!"},"finish_reason":"stop"}]}\n'
    assert answered(Piece("Yes"), Line(end), Hang())[0] == "Yes!"


def test_no_first_token_in_time_is_an_error() -> None:
    assert "No answer within 0.05 s" in str(failure([Hang()], first_token_s=0.05))
    quiet: Script = [Piece(""), Line(b": ping\n"), Hang()]
    assert "No answer within 0.05 s" in str(failure(quiet, first_token_s=0.05))


def test_an_answer_that_takes_too_long_in_all_is_an_error() -> None:
    assert "No answer within 0.1 s" in str(failure([Piece("Yes"), Hang()], total_s=0.1))


def test_a_stream_that_breaks_or_lacks_its_end_is_an_error() -> None:
    assert "cannot be reached" in str(failure([Piece("Yes"), CutOff()]))
    assert "cut off" in str(failure([Piece("Yes"), Stop()]))


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
        b"data: \xff\xfe",
        b'{"choices": []}',
    ],
)
def test_a_malformed_event_is_an_error(raw: bytes) -> None:
    assert "not its protocol" in str(failure([Piece("Yes"), Line(raw + b"\n")]))


@pytest.mark.parametrize(
    "raw",
    [
        b'data: {"error": {"message": "out of memory", "code": 500}}',
        b'data: {"error": "out of memory"}',
        b'data: {"object": "error", "message": "out of memory"}',
    ],
)
def test_an_error_object_in_the_stream_is_an_error(raw: bytes) -> None:
    error = failure([Piece("Yes"), Line(raw + b"\n")])
    assert "out of memory" in str(error)
    assert not error.hopeless


@pytest.mark.parametrize("status", [400, 404])
def test_a_wrong_model_is_hopeless_and_names_the_setting(status: int) -> None:
    error = failure([Refuse(status, f"The model `{MODEL}` does not exist.")])
    assert error.hopeless
    assert "FRONTDESK_OPENAI_MODEL" in str(error)


def test_a_refused_key_is_hopeless_and_names_the_setting() -> None:
    error = failure([Refuse(401, f"Incorrect API key provided: {KEY}")])
    assert error.hopeless
    assert "FRONTDESK_OPENAI_KEY" in str(error)
    assert KEY not in str(error)


def test_a_server_that_is_loading_or_busy_is_not_hopeless() -> None:
    for status, complaint in ((503, "Loading model"), (429, "Rate limit"), (500, "boom")):
        error = failure([Refuse(status, complaint)])
        assert not error.hopeless
        assert complaint in str(error)


def test_a_web_page_instead_of_events_is_an_error() -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<p>\n"
    assert "not its protocol" in str(failure([Garbage(page)]))


def test_something_that_is_not_http_is_an_error() -> None:
    assert "cannot be reached" in str(failure([Garbage(b"220 mail server ready\r\n")]))


def test_nobody_listening_is_an_error() -> None:
    async def play() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound, never listening
            async with client(f"http://127.0.0.1:{taken.getsockname()[1]}/v1") as model:
                with pytest.raises(LlmError, match="cannot be reached"):
                    await streamed(model)

    asyncio.run(play())


def test_closing_the_stream_closes_the_connection() -> None:
    async def play() -> None:
        async with openai([Piece("Yes"), Hang()]) as server, client(server.url) as model:
            async with aclosing(model.stream(PROMPT)) as stream:
                assert await anext(stream) == "Yes"
            await asyncio.wait_for(server.left.wait(), 5)

    asyncio.run(play())


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
