"""A bot for an office: its agent and knowledge base are real; it has no telephone and no engines
running."""

import shutil
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from backend.agent.agent import build_agent
from backend.agent.intents.child import train_in_child
from backend.agent.intents.linear import LinearModel
from backend.agent.knowledge.editor import KnowledgeEditor
from backend.agent.knowledge.history import History
from backend.agent.knowledge.store import KnowledgeStore
from backend.api.bot import Bot
from backend.asr.pocketsphinx import PocketSphinx
from backend.audio.energy import Energy
from backend.calls.center import CallCenter
from backend.calls.conversation import ConversationLimits, Engines
from backend.config import ROOT, Settings
from backend.core.events import EventBus
from backend.db.store import Store
from backend.telephony.stream.line import StreamParts
from backend.telephony.stream.recorder import Recorder
from backend.telephony.stream.ticker import Ticker
from backend.tts.choose import choose_voice
from backend.turns.settings import TurnSettings
from backend.turns.taker import FloorKeeper
from tests.support.office import run_aside


def bots(models: Path) -> Callable[[Settings, Store, EventBus], Bot]:
    """Makes bots; what has been trained is kept in `models`."""
    return lambda settings, store, events: _bot(settings, store, events, models)


def _bot(settings: Settings, store: Store, events: EventBus, models: Path) -> Bot:
    path = settings.data_dir / "kb.json"
    shutil.copy(ROOT / "kb" / "company_kb.json", path)
    knowledge = KnowledgeStore(
        path, model_dir=models, on_problem=lambda error: None, train=_trained(models)
    )
    run_aside(knowledge.start(watch=False))
    agent = build_agent(knowledge, store, settings, lambda code, message: None)
    voice = choose_voice(settings, lambda name: None, lambda code, message: None)
    recogniser = PocketSphinx(1, settings.data_dir / "sphinx")
    limits = ConversationLimits(max_call_s=60, reprompts=1, reject_below=0.2)
    return Bot(
        center=CallCenter(events, Engines(agent, voice, recogniser, store), limits, 3),
        agent=agent,
        knowledge=knowledge,
        editor=KnowledgeEditor(path, History(settings.data_dir / "knowledge")),
        voice=voice,
        recogniser=recogniser,
        stream=StreamParts(
            Ticker(Energy()), Recorder(settings.data_dir), lambda: FloorKeeper(TurnSettings())
        ),
        phones=None,
    )


def _trained(models: Path) -> Callable[[Mapping[str, Sequence[str]]], Awaitable[LinearModel]]:
    """Trains once in earnest; an edit of a phrase changes nothing that these tests look at."""

    async def train(examples: Mapping[str, Sequence[str]]) -> LinearModel:
        kept = next(models.glob("*.npz"), None)
        if kept is not None:
            return LinearModel.from_bytes(kept.read_bytes())
        return await train_in_child(examples)

    return train
