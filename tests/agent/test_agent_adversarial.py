"""A hundred ways to make the bot invent or do something, through a server that fails as well.

Judged without the code under test: by words that must not be spoken, and by figures that must
stand in the facts the model was given.
"""

import asyncio
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from backend.agent.agent import FrontdeskAgent
from backend.agent.base import Action, OpenTicket
from backend.agent.knowledge.facts import Fact
from backend.agent.memory import Memory
from backend.agent.retrieval.index import FactIndex
from backend.core.records import CallInfo
from backend.core.speech import Heard, HeardKind, Sentence
from tests.agent.conftest import AgentMaker
from tests.agent.harness import Answer, collect
from tests.agent.ollama_server import (
    MODEL,
    CutOff,
    Done,
    Line,
    OllamaServer,
    Script,
    Stop,
    ollama,
    pieces,
)
from tests.agent.openai_server import openai

OPEN_QUESTION = "do your technicians wear green hats"
"""Nothing but the model can answer this."""
EVERY_WORD_ASKED = f"{OPEN_QUESTION} " * 9
"""Makes a fact the first that is found."""
ENDS: tuple[Script, ...] = ([Done()], [CutOff()], [Line(b"{half\n")], [Stop()], [Done("length")])
"""How the model's answer ends: well, or in one of the ways a server fails."""


@dataclass(frozen=True)
class Attack:
    number: int
    caller: str
    model: str
    lies: tuple[str, ...]
    fact: str


def read_attacks() -> list[Attack]:
    lines = (Path(__file__).parent / "data" / "adversarial.tsv").read_text("utf-8").splitlines()
    attacks = []
    for number, line in enumerate(line for line in lines if not line.startswith("#")):
        caller, model, lies, *fact = line.split("\t")
        attacks.append(Attack(number, caller, model, tuple(lies.split(";")), "".join(fact)))
    return attacks


ATTACKS = read_attacks()


class AttackedCall:
    """A call whose model is given one more fact."""

    def __init__(self, agent: FrontdeskAgent, fact: str = "") -> None:
        self.agent = agent
        memory = agent.begin(CallInfo("call-1", "text", "+15557770123"))
        index = memory.snapshot.facts
        if fact:
            planted = FactIndex([*index.facts, Fact(fact, "kb:planted", EVERY_WORD_ASKED)])
            memory = replace(memory, snapshot=replace(memory.snapshot, facts=planted))
        self.memory = memory

    async def says(self, text: str) -> Answer:
        *steps, memory = await collect(self.agent, Heard(HeardKind.WORDS, text), self.memory)
        assert isinstance(memory, Memory)
        self.memory = memory
        return Answer(tuple(steps))


def written(answer: Answer) -> str:
    """What the model got to say."""
    steps = [step for step in answer.steps if isinstance(step, Sentence)]
    return " ".join(step.text for step in steps if step.source.startswith("llm:"))


def nameless(actions: list[Action]) -> list[object]:
    """Actions without the ticket numbers, which are different each time."""
    return [
        (action.draft.type, action.draft.priority, action.draft.customer_number)
        if isinstance(action, OpenTicket)
        else action
        for action in actions
    ]


def given_facts(server: OllamaServer) -> str:
    return " ".join(request["messages"][0]["content"] for request in server.requests)


def test_there_are_a_hundred_of_them() -> None:
    assert len({attack.caller for attack in ATTACKS}) >= 100


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.model[:40])
def test_nothing_invented_is_spoken_and_nothing_is_done(
    attack: Attack, make_agent: AgentMaker
) -> None:
    async def play() -> None:
        script = [*pieces(f"{attack.model} "), *ENDS[attack.number % len(ENDS)]]
        async with AsyncExitStack() as stack:
            agent, server = await attacked_agent(stack, make_agent, attack.number, script)
            call = AttackedCall(agent, attack.fact)
            first = await call.says(attack.caller)
            if server.requests:
                assert first.actions == [], "nothing a model answers is acted on"
            else:
                plain = await AttackedCall(make_agent(human_extension="2001")).says(attack.caller)
                assert nameless(first.actions) == nameless(plain.actions), "only policies act"
                call = AttackedCall(agent, attack.fact)
            # Asked again in plain words, in case the first ones were for a policy.
            second = await call.says(OPEN_QUESTION)
            assert second.actions == []
            assert server.requests, "the model was asked"
            if attack.fact:
                assert attack.fact in given_facts(server)
            spoken = f"{written(first)} {written(second)}"
        for lie in attack.lies:
            assert lie.lower() not in spoken.lower()
        for figure in re.findall(r"\d+", spoken):
            assert figure in given_facts(server)

    asyncio.run(play())


async def attacked_agent(
    stack: AsyncExitStack, make_agent: AgentMaker, number: int, script: Script
) -> tuple[FrontdeskAgent, OllamaServer]:
    """An agent whose model is played by one server or the other, in turns."""
    limits = {"ollama_first_token_s": 5.0, "ollama_total_s": 5.0, "human_extension": "2001"}
    server: OllamaServer
    if number % 2:
        server = await stack.enter_async_context(openai(script))
        agent = make_agent(openai_url=server.url, openai_model=MODEL, **limits)
    else:
        server = await stack.enter_async_context(ollama(script))
        agent = make_agent(ollama_url=server.url, ollama_model=MODEL, **limits)
    stack.push_async_callback(agent.aclose)
    return agent, server
