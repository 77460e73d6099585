"""The shipped knowledge base, trained once, and calls that use it."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from backend.agent.agent import FrontdeskAgent, build_agent
from backend.agent.knowledge.store import KnowledgeStore, Snapshot
from backend.config import Settings
from backend.core.errors import KnowledgeError
from tests.agent.harness import KB_PATH, Call, Directory
from tests.agent.llm_calls import LlmCall, Runner, Scenario
from tests.agent.ollama_server import MODEL, Script, ollama

NOW = datetime.fromisoformat("2026-11-18T10:00:00-05:00")
"""A Wednesday morning."""
AgentMaker = Callable[..., FrontdeskAgent]


@pytest.fixture(scope="session")
def model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def knowledge(model_dir: Path) -> KnowledgeStore:
    """The shipped knowledge base, not watched."""

    def refuse(error: KnowledgeError) -> None:
        raise error

    store = KnowledgeStore(KB_PATH, model_dir=model_dir, on_problem=refuse)
    asyncio.run(store.start(watch=False))
    return store


@pytest.fixture(scope="session")
def snapshot(knowledge: KnowledgeStore) -> Snapshot:
    return knowledge.current


@pytest.fixture
def directory() -> Directory:
    return Directory()


@pytest.fixture
def warnings() -> list[tuple[str, str]]:
    """What the agent warned of: (code, message)."""
    return []


@pytest.fixture
def make_agent(
    knowledge: KnowledgeStore, directory: Directory, warnings: list[tuple[str, str]]
) -> AgentMaker:
    """Builds an agent; keyword arguments are settings."""

    def make(**changes: object) -> FrontdeskAgent:
        # Validated directly: the machine's environment and .env have no say here.
        settings = Settings.model_validate(changes)
        return build_agent(
            knowledge,
            directory,
            settings,
            lambda code, message: warnings.append((code, message)),
            now=lambda: NOW,
        )

    return make


@pytest.fixture
def call(make_agent: AgentMaker) -> Call:
    """A call from a known phone number; nobody can be transferred to."""
    return Call(make_agent())


@pytest.fixture
def staffed_call(make_agent: AgentMaker) -> Call:
    """A call where extension 2001 is a person."""
    return Call(make_agent(human_extension="2001"))


@pytest.fixture
def anonymous_call(make_agent: AgentMaker) -> Call:
    """A call that shows no phone number."""
    return Call(make_agent(), caller="anonymous")


@pytest.fixture
def with_llm(make_agent: AgentMaker) -> Runner:
    """Runs a scenario against a server that plays the given scripts."""

    def run(scenario: Scenario, *scripts: Script, **settings: object) -> None:
        async def play() -> None:
            async with ollama(*scripts) as server:
                limits = {"ollama_first_token_s": 5.0, "ollama_total_s": 5.0}
                agent = make_agent(
                    ollama_url=server.url, ollama_model=MODEL, **{**limits, **settings}
                )
                try:
                    await scenario(LlmCall(agent), server)
                finally:
                    await agent.aclose()

        asyncio.run(play())

    return run
