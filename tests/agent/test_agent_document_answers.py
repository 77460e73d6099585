"""Questions that only a document answers: read out without a language model, told by one with."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from backend.agent.agent import FrontdeskAgent
from backend.agent.knowledge.facts import Fact
from backend.agent.memory import Memory
from backend.agent.retrieval.index import FactIndex
from backend.core.records import CallInfo
from backend.core.speech import UNSUPPORTED_SOURCE, Heard, HeardKind, Sentence
from tests.agent.conftest import AgentMaker
from tests.agent.harness import Answer, collect
from tests.agent.ollama_server import MODEL, Done, OllamaServer, Refuse, Script, ollama, pieces

QUESTION = "do your technicians wear green hats"
HATS = Fact(
    "Our technicians wear green hats. A hat costs 12 dollars.",
    "kb:documents/clothing.md#Hats",
    "Clothing. Hats",
)


class InformedCall:
    """A call to an agent that has one document."""

    def __init__(self, agent: FrontdeskAgent) -> None:
        self.agent = agent
        memory = agent.begin(CallInfo("call-1", "text", "+15557770123"))
        snapshot = memory.snapshot
        index = FactIndex([*snapshot.facts.facts, HATS])
        self.memory = replace(memory, snapshot=replace(snapshot, facts=index))

    async def says(self, text: str) -> Answer:
        *steps, memory = await collect(self.agent, Heard(HeardKind.WORDS, text), self.memory)
        assert isinstance(memory, Memory)
        self.memory = memory
        return Answer(tuple(steps))


def sources(answer: Answer) -> dict[str, str]:
    return {step.text: step.source for step in answer.steps if isinstance(step, Sentence)}


Scenario = Callable[[InformedCall, OllamaServer], Awaitable[None]]


@pytest.fixture
def with_llm(make_agent: AgentMaker) -> Callable[..., None]:
    def run(scenario: Scenario, *scripts: Script) -> None:
        async def play() -> None:
            async with ollama(*scripts) as server:
                agent = make_agent(ollama_url=server.url, ollama_model=MODEL)
                try:
                    await scenario(InformedCall(agent), server)
                finally:
                    await agent.aclose()

        asyncio.run(play())

    return run


def test_without_a_model_the_document_is_read_out_with_its_source(make_agent: AgentMaker) -> None:
    answer = asyncio.run(InformedCall(make_agent()).says(QUESTION))
    first, second, *_ = answer.sentences
    assert first == "This is what I found."
    assert second == "Our technicians wear green hats."
    assert sources(answer)[second] == HATS.source
    assert "anything else" in answer.sentences[-1]


def test_what_no_document_says_is_admitted(make_agent: AgentMaker) -> None:
    answer = asyncio.run(InformedCall(make_agent()).says("are your cables painted bright yellow"))
    assert "no answer" in answer
    assert HATS.source not in sources(answer).values()


def test_what_the_knowledge_base_knows_is_answered_from_there(make_agent: AgentMaker) -> None:
    answer = asyncio.run(InformedCall(make_agent()).says("when are you open"))
    assert "kb:faq/opening-hours" in sources(answer).values()


def test_the_model_is_given_the_passage_and_its_sentence_keeps_the_source(
    with_llm: Callable[..., None],
) -> None:
    async def scenario(call: InformedCall, server: OllamaServer) -> None:
        answer = await call.says(QUESTION)
        assert HATS.text in server.requests[0]["messages"][0]["content"]
        told = "Those technicians wear green hats."
        assert answer.sentences[0] == told
        assert sources(answer)[told] == f"llm:{MODEL} ← {HATS.source}"

    with_llm(scenario, [*pieces("Those technicians wear green hats. "), Done()])


def test_what_the_passage_does_not_support_is_still_withheld(with_llm: Callable[..., None]) -> None:
    async def scenario(call: InformedCall, server: OllamaServer) -> None:
        answer = await call.says(QUESTION)
        assert "99" not in answer
        assert UNSUPPORTED_SOURCE in sources(answer).values()

    with_llm(scenario, [*pieces("A green hat costs 99 dollars. "), Done()])


def test_when_the_model_fails_the_document_is_read_out(with_llm: Callable[..., None]) -> None:
    async def scenario(call: InformedCall, server: OllamaServer) -> None:
        answer = await call.says(QUESTION)
        assert "Our technicians wear green hats." in answer.sentences

    with_llm(scenario, [Refuse(500, "out of memory")])
