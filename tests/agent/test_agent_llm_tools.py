"""Tools of the LLM: what it may call, what comes of it, and what never does."""

import json
from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.agent.base import Understood
from backend.agent.conversation import POLICIES
from backend.agent.llm.model import ToolCall
from backend.agent.llm.tools import (
    LONGEST_QUERY,
    TOOLS,
    RefusedCall,
    SearchKnowledge,
    StartTask,
    TaskName,
    read_calls,
)
from backend.core.speech import UNSUPPORTED_SOURCE, Sentence
from tests.agent.harness import Answer, Directory
from tests.agent.llm_calls import QUESTION, LlmCall, Runner
from tests.agent.ollama_server import Call, CutOff, Done, OllamaServer, Piece, Script, pieces

NOT_SURE = "I do not know that for sure."
SEARCH = Call("search_knowledge", '{"query": "opening hours on saturday"}')


def start(task: str) -> Call:
    return Call("start_task", json.dumps({"task": task}))


def asked(answer: Answer) -> list[str]:
    return [step.intent for step in answer.steps if isinstance(step, Understood)]


# Reading a call


def test_every_policy_can_be_asked_for_and_nothing_else() -> None:
    assert set(get_args(TaskName)) == set(POLICIES)


def test_a_right_call_is_read() -> None:
    call = ToolCall("start_task", '{"task": "billing"}')
    assert read_calls([call], TOOLS, after_text=False) == StartTask(task="billing")
    call = ToolCall("search_knowledge", '{"query": "  gates "}')
    assert read_calls([call], TOOLS, after_text=False) == SearchKnowledge(query="gates")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("start_task", ""),
        ("start_task", "{"),
        ("start_task", "null"),
        ("start_task", "[]"),
        ("start_task", '"billing"'),
        ("start_task", "{}"),
        ("start_task", '{"task": "refund"}'),
        ("start_task", '{"task": "Billing"}'),
        ("start_task", '{"task": ["billing"]}'),
        ("start_task", '{"task": "billing", "customer_number": "1004"}'),
        ("start_task", '{"task": "billing"} {"task": "human"}'),
        ("start_task", '{"TASK": "billing"}'),
        ("search_knowledge", '{"query": ""}'),
        ("search_knowledge", '{"query": "   "}'),
        ("search_knowledge", '{"query": 7}'),
        ("search_knowledge", json.dumps({"query": "x" * (LONGEST_QUERY + 1)})),
        ("StartTask", '{"task": "billing"}'),
        ("start_task ", '{"task": "billing"}'),
        ("", '{"task": "billing"}'),
        ("transfer", '{"extension": "2001"}'),
    ],
)
def test_a_call_that_does_not_fit_is_refused(name: str, arguments: str) -> None:
    assert isinstance(read_calls([ToolCall(name, arguments)], TOOLS, after_text=False), RefusedCall)


@given(
    st.sampled_from(["start_task", "search_knowledge"]) | st.text(max_size=20),
    st.text(max_size=60)
    | st.dictionaries(st.sampled_from(["task", "query"]), st.text(max_size=9)).map(json.dumps),
)
def test_whatever_is_called_is_one_of_the_tools_or_refused(name: str, arguments: str) -> None:
    match read_calls([ToolCall(name, arguments)], TOOLS, after_text=False):
        case StartTask(task=task):
            assert name == "start_task"
            assert json.loads(arguments) == {"task": task}
            assert task in POLICIES
        case SearchKnowledge(query=query):
            assert name == "search_knowledge"
            assert json.loads(arguments)["query"].strip() == query
        case refused:
            assert isinstance(refused, RefusedCall)


def test_a_call_beside_text_or_beside_another_is_refused() -> None:
    call = ToolCall("start_task", '{"task": "billing"}')
    assert isinstance(read_calls([call], TOOLS, after_text=True), RefusedCall)
    assert isinstance(read_calls([call, call], TOOLS, after_text=False), RefusedCall)


# A search


def test_a_search_brings_more_facts_and_a_second_answer(with_llm: Runner) -> None:
    async def scenario(call: LlmCall, server: OllamaServer) -> None:
        answer = await call.says(QUESTION)
        assert answer.sentences[0] == "Yes, we are open on Saturday."
        first, second = [request["messages"][0]["content"] for request in server.requests]
        assert "Opening hours" not in first
        assert "Opening hours" in second
        offered = [tool["function"]["name"] for tool in server.requests[1]["tools"]]
        assert offered == ["start_task"], "the caller waits for one search only"

    with_llm(scenario, [SEARCH, Done()], [*pieces("Yes, we are open on Saturday."), Done()])


def test_an_answer_after_a_search_is_held_to_the_facts(with_llm: Runner) -> None:
    async def scenario(call: LlmCall, server: OllamaServer) -> None:
        assert (await call.says(QUESTION)).sentences[0] == NOT_SURE

    with_llm(scenario, [SEARCH, Done()], [*pieces("We are open until 11 p.m."), Done()])


def test_a_search_that_finds_nothing_new_asks_no_second_time(with_llm: Runner) -> None:
    async def scenario(call: LlmCall, server: OllamaServer) -> None:
        assert "I have no answer to that." in await call.says(QUESTION)
        assert len(server.requests) == 1

    with_llm(scenario, [Call("search_knowledge", '{"query": "xylophone"}'), Done()])


def test_a_second_search_is_refused(with_llm: Runner) -> None:
    async def scenario(call: LlmCall, server: OllamaServer) -> None:
        assert (await call.says(QUESTION)).sentences[0] == NOT_SURE
        assert len(server.requests) == 2

    with_llm(scenario, [SEARCH, Done()])


# A task


def test_a_task_goes_to_its_policy_as_if_it_had_been_understood(with_llm: Runner) -> None:
    async def scenario(call: LlmCall, server: OllamaServer) -> None:
        answer = await call.says(QUESTION)
        assert asked(answer)[-1] == "billing"
        assert answer.actions == []
        assert "customer number" in answer.sentences[-1]
        assert call.dialogue.main_intent == "billing"
        balance = await call.says("one zero zero four")
        assert "84" in balance.text

    with_llm(scenario, [start("billing"), Done()])


@pytest.mark.parametrize("task", get_args(TaskName))
def test_no_task_acts_in_the_turn_it_is_called_in(with_llm: Runner, task: str) -> None:
    async def scenario(call: LlmCall, server: OllamaServer) -> None:
        answer = await call.says("i want you to paint account 1004 in green and yellow please")
        assert server.requests
        assert answer.actions == []
        assert answer.sentences, "the caller hears something"
        assert call.dialogue.customer_number == ""

    with_llm(scenario, [start(task), Done()], human_extension="2001")


def test_what_would_be_done_at_once_needs_the_callers_yes(with_llm: Runner) -> None:
    async def scenario(call: LlmCall, server: OllamaServer) -> None:
        answer = await call.says(QUESTION)
        assert answer.actions == []
        assert "did you say" in answer.sentences[-1]
        assert (await call.says("yes please")).transferred_to == "2001"
        assert len(server.requests) == 1

    with_llm(scenario, [start("human"), Done()], human_extension="2001")


def test_a_no_leaves_everything_as_it_was(with_llm: Runner) -> None:
    async def scenario(call: LlmCall, server: OllamaServer) -> None:
        await call.says(QUESTION)
        assert (await call.says("no")).actions == []
        assert call.dialogue.tickets == {}

    with_llm(scenario, [start("human"), Done()], human_extension="2001")


def test_records_that_cannot_be_read_open_no_ticket_unasked(
    with_llm: Runner, directory: Directory
) -> None:
    async def scenario(call: LlmCall, server: OllamaServer) -> None:
        await call.says("what's my balance")
        await call.says("one zero zero four")
        directory.trouble = OSError("gone")
        answer = await call.says(QUESTION)
        assert server.requests
        assert answer.actions == []
        assert "did you say" in answer.sentences[-1]

    with_llm(scenario, [start("billing"), Done()])


def test_a_task_reaches_the_policy_of_a_verified_customer(with_llm: Runner) -> None:
    async def scenario(call: LlmCall, server: OllamaServer) -> None:
        await call.says("what's my balance")
        await call.says("one zero zero four")
        answer = await call.says(QUESTION)
        assert "84" in answer.text
        sent = json.dumps(server.requests)
        assert "is verified as a customer" in sent
        for private in ("84.5", "Santos", "1004"):
            assert private not in sent

    with_llm(scenario, [start("billing"), Done()])


# What is refused


WRONG: Sequence[Script] = (
    [start("refund"), Done()],
    [Call("transfer", '{"extension": "2001"}'), Done()],
    [start("human"), start("billing"), Done()],
    [Piece("Of course. "), start("human"), Done()],
    [start("human"), Piece("Of course."), Done()],
    [Piece("of course"), start("human"), Done()],
)


@pytest.mark.parametrize("script", WRONG)
def test_a_wrong_call_is_answered_honestly_and_counted(with_llm: Runner, script: Script) -> None:
    async def scenario(call: LlmCall, server: OllamaServer) -> None:
        answer = await call.says(QUESTION)
        assert answer.actions == []
        sources = [step.source for step in answer.steps if isinstance(step, Sentence)]
        assert UNSUPPORTED_SOURCE in sources, "what is counted"
        assert asked(answer) == ["unknown"]

    with_llm(scenario, script, human_extension="2001")


def test_a_call_that_breaks_off_is_no_call(with_llm: Runner) -> None:
    async def scenario(call: LlmCall, server: OllamaServer) -> None:
        answer = await call.says(QUESTION)
        assert "I have no answer to that." in answer
        assert asked(answer) == ["unknown"]

    with_llm(scenario, [start("billing"), CutOff()])


def test_a_wrong_call_does_not_count_against_the_server(
    with_llm: Runner, warnings: list[tuple[str, str]]
) -> None:
    async def scenario(call: LlmCall, server: OllamaServer) -> None:
        for number in range(5):
            await LlmCall(call.agent).says(f"{QUESTION} on day {number}")
        assert len(server.requests) == 5
        assert warnings == []

    with_llm(scenario, [start("refund"), Done()])
