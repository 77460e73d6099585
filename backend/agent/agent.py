"""The agent: implements `backend.agent.base.Agent` with knowledge base, policies and LLM."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import structlog

from backend.agent.base import CustomerDirectory, Dialogue, Step
from backend.agent.completeness import completeness
from backend.agent.conversation import hand_over, react
from backend.agent.knowledge.facts import Fact
from backend.agent.knowledge.store import KnowledgeStore
from backend.agent.llm.attribution import supporting
from backend.agent.llm.chat_model import ChatModel
from backend.agent.llm.dialogue_state import dialogue_state
from backend.agent.llm.open_questions import OpenQuestions, Withheld
from backend.agent.llm.prompt import Prompt
from backend.agent.llm.tools import TOOLS, StartTask
from backend.agent.memory import Exchange, Memory
from backend.agent.policies import closing, human, unknown
from backend.agent.retrieval.extract import extract
from backend.agent.services import RecordsUnavailable, Services
from backend.agent.turn import Turn
from backend.config import Settings
from backend.core.records import CallInfo
from backend.core.speech import (
    OPEN_QUESTION,
    UNSUPPORTED_SOURCE,
    Completeness,
    Heard,
    HeardKind,
    Sentence,
)

log = structlog.get_logger(__name__)

FACTS_GIVEN = 5
"""How many facts the LLM gets; more dilutes the right one."""
HISTORY_KEPT = 12
"""How many open questions of the call are remembered; the LLM is given as many as fit."""


def build_agent(
    knowledge: KnowledgeStore,
    customers: CustomerDirectory,
    settings: Settings,
    warn: Callable[[str, str], None],
    now: Callable[[], datetime] = lambda: datetime.now(UTC).astimezone(),
) -> "FrontdeskAgent":
    """The agent as configured; `knowledge` is started by whoever owns it, before the first call.

    `warn(code, message)`: something fell back to its next rung.
    """
    questions = _open_questions(settings, warn)
    services = Services(
        customers=customers,
        human_extension=settings.human_extension,
        confirm_below=settings.confirm_below,
        reject_below=settings.reject_below,
        reprompts=settings.reprompts,
        answers_open_questions=questions is not None,
        phone_region=settings.phone_region,
        now=now,
    )
    return FrontdeskAgent(knowledge, services, questions)


def _open_questions(settings: Settings, warn: Callable[[str, str], None]) -> OpenQuestions | None:
    model = _language_model(settings)
    return OpenQuestions(model, warn) if model else None


def _language_model(settings: Settings) -> ChatModel | None:
    """The one that is named; None where none is. Each is imported by those who use it only:
    Ollama's client takes half a second."""
    if settings.openai_model:
        from backend.agent.llm.openai_model import OpenAiModel

        return OpenAiModel(
            settings.openai_url,
            settings.openai_model,
            key=settings.openai_key,
            first_token_s=settings.ollama_first_token_s,
            total_s=settings.ollama_total_s,
            context_tokens=settings.llm_context_tokens,
        )
    if settings.ollama_model:
        from backend.agent.llm.ollama_model import OllamaModel

        return OllamaModel(
            settings.ollama_url,
            settings.ollama_model,
            first_token_s=settings.ollama_first_token_s,
            total_s=settings.ollama_total_s,
            context_tokens=settings.llm_context_tokens,
        )
    return None


class FrontdeskAgent:
    """One for all calls; what it knows of a call is in that call's `Memory`."""

    def __init__(
        self, knowledge: KnowledgeStore, services: Services, questions: OpenQuestions | None
    ) -> None:
        self._knowledge = knowledge
        self._services = services
        self._questions = questions

    def begin(self, call: CallInfo) -> Memory:
        """See `Agent`."""
        return Memory(self._knowledge.current, call)

    async def reply(self, heard: Heard, dialogue: Dialogue) -> AsyncGenerator[Step, None]:
        """See `Agent`. Close the iterator when the rest is not wanted: it stops the LLM."""
        turn = await self._written(heard, _memory(dialogue))
        spoken: list[Sentence] = []
        for step in turn.steps:
            if isinstance(step, Sentence):
                spoken.append(step)
            yield step
        if turn.open_question:
            turn.steps = []
            task = ""
            async with aclosing(self._answers(turn)) as answers:
                async for answer in answers:
                    if isinstance(answer, StartTask):
                        task = answer.task
                    else:
                        spoken.append(answer)
                        yield answer
            if task:
                write = partial(hand_over, intent=task)
                turn = await self._written(turn.heard, turn.memory, write)
            elif any(self._is_ours(sentence) for sentence in spoken):
                _note_exchange(turn, spoken)
                closing.anything_else(turn)
            elif spoken:
                human.offer_person(turn)
            else:
                await _quote(turn)
            for step in turn.steps:
                if isinstance(step, Sentence):
                    spoken.append(step)
                yield step
        yield turn.memory if turn.reprompt else replace(turn.memory, said=tuple(spoken))

    async def _written(
        self, heard: Heard, memory: Memory, write: Callable[[Turn], Awaitable[None]] = react
    ) -> Turn:
        """The turn with its answer. Whatever goes wrong, the caller gets one."""
        turn = Turn(heard, memory, self._services)
        try:
            await turn.understand()
            await write(turn)
        except RecordsUnavailable:
            turn.say("records_unavailable")
            await human.call_back(turn, "Records were unavailable during the call")
        except Exception:
            # A mistake of ours in one policy must not cost the caller the call.
            log.exception("policy-failed", call_id=memory.call.call_id)
            turn = Turn(heard, replace(memory, tasks=(), doubt=None), self._services)
            turn.say("trouble")
            human.offer_person(turn)
        return turn

    async def _answers(self, turn: Turn) -> AsyncGenerator[Sentence | StartTask, None]:
        if self._questions is None:
            return
        index = turn.memory.snapshot.facts
        facts: list[Fact] = []

        async def search(query: str) -> Sequence[Fact]:
            found = await asyncio.to_thread(index.search, query, FACTS_GIVEN)
            facts.extend(found)
            return found

        prompt = Prompt(
            company=turn.knowledge.company.name,
            facts=await search(turn.open_question),
            question=turn.open_question,
            history=turn.memory.history,
            state=dialogue_state(turn.memory),
            tools=TOOLS,
        )
        admitted = False
        async with aclosing(self._questions.answer(prompt, search)) as answers:
            async for answer in answers:
                if isinstance(answer, StartTask):
                    yield answer
                elif not isinstance(answer, Withheld):
                    fact = supporting(answer, facts)
                    source = f"{self._source} ← {fact.source}" if fact else self._source
                    yield Sentence(answer, source)
                elif not admitted:
                    # Once: two invented sentences in a row are one thing we do not know.
                    admitted = True
                    for text in turn.knowledge.responses.sentences("not_in_facts"):
                        yield Sentence(text, UNSUPPORTED_SOURCE)

    def _is_ours(self, sentence: Sentence) -> bool:
        return bool(self._source) and sentence.source.startswith(self._source)

    @property
    def _source(self) -> str:
        return self._questions.source if self._questions else ""

    def completeness(self, text: str, dialogue: Dialogue) -> Completeness:
        """See `Agent`."""
        memory = _memory(dialogue)
        quick = memory.snapshot.quick_classifier
        return completeness(Turn(Heard(HeardKind.WORDS, text), memory, self._services, quick))

    def interrupted(self, dialogue: Dialogue, heard: Sequence[str]) -> Dialogue:
        """See `Agent`. The question stands at the end of an answer; the task that asks it keeps
        waiting and asks again after whatever the caller wants now."""
        memory = _memory(dialogue)
        last = memory.said[-1].text if memory.said else ""
        reached = bool(heard) and last.startswith(heard[-1].rstrip(".,!? "))
        return memory if reached else replace(memory, question=OPEN_QUESTION)

    def filler(self, dialogue: Dialogue) -> Sentence:
        """See `Agent`."""
        memory = _memory(dialogue)
        text = " ".join(memory.snapshot.knowledge.responses.sentences("filler"))
        return Sentence(text, "kb:responses/filler")

    def fixed_sentences(self) -> Sequence[str]:
        """See `Agent`. The greeting comes first."""
        return tuple(dict.fromkeys(self._fixed()))

    def _fixed(self) -> Iterator[str]:
        yield from self._knowledge.current.knowledge.fixed_sentences()

    async def aclose(self) -> None:
        """Close connections."""
        if self._questions is not None:
            await self._questions.aclose()


async def _quote(turn: Turn) -> None:
    """Read out what a document says, or admit that there is no answer."""
    index = turn.memory.snapshot.facts
    found = None
    if index.has_passages:
        found = await asyncio.to_thread(extract, index, turn.open_question)
    if found is None:
        unknown.no_answer(turn)
        return
    turn.say("from_documents")
    turn.tell(found.sentences, found.passage.source)
    closing.anything_else(turn)


def _memory(dialogue: Dialogue) -> Memory:
    if not isinstance(dialogue, Memory):
        raise TypeError("dialogue must come from begin() or from the last reply()")
    return dialogue


def _note_exchange(turn: Turn, spoken: Sequence[Sentence]) -> None:
    answer = " ".join(sentence.text for sentence in spoken)
    history = (*turn.memory.history, Exchange(turn.open_question, answer))
    turn.memory = replace(turn.memory, history=history[-HISTORY_KEPT:])
