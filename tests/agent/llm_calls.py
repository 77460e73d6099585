"""Calls to an agent with an LLM behind it."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from backend.agent.agent import FrontdeskAgent
from backend.agent.memory import Memory
from backend.core.records import CallInfo
from backend.core.speech import Heard, HeardKind
from tests.agent.harness import Answer, collect
from tests.agent.ollama_server import OllamaServer, Script

QUESTION = "do your technicians speak portuguese"
"""Nothing but the model can answer this."""


class LlmCall:
    """One call to an agent with an LLM behind it."""

    def __init__(self, agent: FrontdeskAgent) -> None:
        self.agent = agent
        self.dialogue = agent.begin(CallInfo("call-1", "text", "+15557770123"))

    async def says(self, text: str) -> Answer:
        return await self.hears(Heard(HeardKind.WORDS, text))

    async def hears(self, heard: Heard) -> Answer:
        *steps, dialogue = await collect(self.agent, heard, self.dialogue)
        assert isinstance(dialogue, Memory)
        self.dialogue = dialogue
        return Answer(tuple(steps))


Scenario = Callable[[LlmCall, OllamaServer], Awaitable[None]]


class Runner(Protocol):
    """Runs a scenario against a server that plays the scripts; keyword arguments are settings."""

    def __call__(self, scenario: Scenario, *scripts: Script, **settings: object) -> None: ...
