"""What both clients must do, against servers with the real wire formats and every fault."""

import asyncio
import json
import socket
from contextlib import aclosing

import pytest

from backend.agent.llm.chat_model import LONGEST_ARGUMENTS, MOST_CALLS
from backend.agent.llm.model import LlmError, ToolCall
from backend.agent.llm.tools import TOOLS, definition
from tests.agent.llm_clients import OLLAMA, OPENAI, PROMPT, Client, collect
from tests.agent.ollama_server import (
    MODEL,
    Call,
    CutOff,
    Done,
    Garbage,
    Hang,
    Piece,
    Refuse,
    Script,
    Stop,
    pieces,
)

SEARCH = Call("search_knowledge", '{"query": "gates \\u00e9t\\u00e9"}')


@pytest.fixture(params=[OLLAMA, OPENAI], ids=["ollama", "openai"])
def client(request: pytest.FixtureRequest) -> Client:
    chosen = request.param
    assert isinstance(chosen, Client)
    return chosen


# Answers


def test_text_arrives_in_the_pieces_it_was_generated_in(client: Client) -> None:
    assert client.answered([*pieces("Yes we do."), Done()])[0] == ["Yes", " we", " do."]


def test_the_request_carries_the_model_and_the_prompt(client: Client) -> None:
    _, server = client.answered([Piece("Yes."), Done()])
    (request,) = server.requests
    assert request["model"] == MODEL
    assert request["stream"] is True
    assert request["messages"] == PROMPT.messages()


def test_one_connection_serves_several_questions(client: Client) -> None:
    async def play() -> int:
        async with client.serve([Piece("Yes."), Done()]) as server, client.at(server.url) as model:
            await collect(model)
            await collect(model)
            return len(server.requests)

    assert asyncio.run(play()) == 2


# Tools


def test_the_tools_are_described_as_the_server_expects(client: Client) -> None:
    _, server = client.answered([Piece("Yes."), Done()])
    described = {tool["function"]["name"]: tool["function"] for tool in server.requests[0]["tools"]}
    assert list(described) == ["search_knowledge", "start_task"]
    task = described["start_task"]["parameters"]["properties"]["task"]
    assert "cancellation" in task["enum"]
    assert described["search_knowledge"]["parameters"]["required"] == ["query"]
    assert all(tool["type"] == "function" for tool in server.requests[0]["tools"])


def test_a_tool_call_comes_whole(client: Client) -> None:
    (call,), _ = client.answered([SEARCH, Done("tool_calls")])
    assert isinstance(call, ToolCall)
    assert call.name == "search_knowledge"
    assert json.loads(call.arguments) == {"query": "gates été"}


def test_text_comes_before_the_calls_after_it(client: Client) -> None:
    answer, _ = client.answered([Piece("Let me see."), SEARCH, Done()])
    assert answer[0] == "Let me see."
    assert isinstance(answer[1], ToolCall)


def test_several_calls_stay_apart(client: Client) -> None:
    other = Call("start_task", '{"task": "billing"}', index=1)
    calls, _ = client.answered([SEARCH, other, Done()])
    assert [call.name for call in calls if isinstance(call, ToolCall)] == [
        "search_knowledge",
        "start_task",
    ]


def test_calls_without_end_fill_no_memory(client: Client) -> None:
    endless = [Call("start_task", json.dumps({"task": "x" * 9000}), index=i) for i in range(9)]
    calls, _ = client.answered([*endless, Done()])
    assert len(calls) == MOST_CALLS
    lengths = [len(call.arguments) for call in calls if isinstance(call, ToolCall)]
    assert lengths == [LONGEST_ARGUMENTS] * MOST_CALLS


@pytest.mark.parametrize("end", [CutOff(), Stop()])
def test_a_call_of_an_answer_that_is_cut_off_is_no_call(client: Client, end: CutOff | Stop) -> None:
    seen: list[object] = []

    async def play() -> None:
        async with client.serve([SEARCH, end]) as server, client.at(server.url) as model:
            stream = model.stream(PROMPT)
            while True:
                seen.append(await anext(stream))

    with pytest.raises(LlmError):
        asyncio.run(play())
    assert seen == []


NO_TOOLS = [
    Refuse(400, f"{MODEL} does not support tools"),
    Refuse(500, "tools param requires --jinja flag"),
    Refuse(500, "Unsupported param: tools"),
    Refuse(400, '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser'),
]


@pytest.mark.parametrize("refusal", NO_TOOLS)
def test_a_server_that_takes_no_tools_is_asked_without_them_from_then_on(refusal: Refuse) -> None:
    client = OLLAMA if "ollama" in refusal.error else OPENAI

    async def play() -> None:
        scripts: list[Script] = [[refusal], [*pieces("Yes we do."), Done()]]
        async with client.serve(*scripts) as server, client.at(server.url) as model:
            assert "".join(map(str, await collect(model))) == "Yes we do."
            await collect(model)
            assert [bool(request.get("tools")) for request in server.requests] == [
                True,
                False,
                False,
            ]
            without = server.requests[-1]["messages"][0]["content"]
            assert "call one tool" not in without, "nor is it told of any"

    asyncio.run(play())


def test_every_definition_is_plain_json() -> None:
    for tool in TOOLS:
        assert "$" not in json.dumps(definition(tool)), "references are not understood by all"


# Faults


def test_no_first_token_in_time_is_an_error(client: Client) -> None:
    assert "No answer within 0.05 s" in str(client.failure([Hang()], first_token_s=0.05))


def test_empty_pieces_are_no_first_token(client: Client) -> None:
    error = client.failure([Piece(""), Piece(""), Hang()], first_token_s=0.05)
    assert "No answer within 0.05 s" in str(error)


def test_the_beginning_of_a_call_is_a_first_token(client: Client) -> None:
    error = client.failure([SEARCH, Hang()], first_token_s=0.1, total_s=0.2)
    assert "No answer within 0.2 s" in str(error)


def test_an_answer_that_takes_too_long_in_all_is_an_error(client: Client) -> None:
    error = client.failure([Piece("Yes"), Hang()], total_s=0.1)
    assert "No answer within 0.1 s" in str(error)


def test_what_a_search_took_is_no_longer_there_for_the_answer(client: Client) -> None:
    async def play() -> None:
        async with client.serve([Piece("Yes"), Hang()]) as server, client.at(server.url) as model:
            with pytest.raises(LlmError, match=r"No answer within 0\.1 s"):
                assert [piece async for piece in model.stream(PROMPT, spent_s=4.9)]

    asyncio.run(play())


def test_a_broken_connection_is_an_error(client: Client) -> None:
    assert "cannot be reached" in str(client.failure([Piece("Yes"), CutOff()]))


def test_a_stream_without_its_end_is_an_error(client: Client) -> None:
    assert "cut off" in str(client.failure([Piece("Yes"), Stop()]))


def test_a_server_error_is_not_hopeless(client: Client) -> None:
    error = client.failure([Refuse(500, "boom")])
    assert not error.hopeless
    assert "boom" in str(error)


def test_something_that_is_not_http_is_an_error(client: Client) -> None:
    error = client.failure([Garbage(b"220 mail server ready\r\n")])
    assert "cannot be reached" in str(error)


def test_nobody_listening_is_an_error(client: Client) -> None:
    async def play() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound, never listening
            async with client.at(f"http://127.0.0.1:{taken.getsockname()[1]}") as model:
                with pytest.raises(LlmError, match="cannot be reached"):
                    await collect(model)

    asyncio.run(play())


def test_closing_the_stream_closes_the_connection(client: Client) -> None:
    async def play() -> None:
        async with client.serve([Piece("Yes"), Hang()]) as server, client.at(server.url) as model:
            async with aclosing(model.stream(PROMPT)) as stream:
                assert await anext(stream) == "Yes"
            await asyncio.wait_for(server.left.wait(), 5)

    asyncio.run(play())


def test_cancelling_before_the_first_token_closes_the_connection(client: Client) -> None:
    async def play() -> None:
        async with client.serve([Hang()]) as server, client.at(server.url) as model:
            asking = asyncio.create_task(collect(model))
            await asyncio.wait_for(server.asked.wait(), 5)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await asyncio.wait_for(server.left.wait(), 5)

    asyncio.run(play())
