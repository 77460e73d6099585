"""The composition root: builds every part once, starts them in order, stops them in reverse."""

import asyncio
import importlib
import time
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from backend.agent.agent import FrontdeskAgent, build_agent
from backend.agent.knowledge.editor import KnowledgeEditor
from backend.agent.knowledge.history import History
from backend.agent.knowledge.store import KnowledgeStore, Snapshot
from backend.agent.retrieval.setup import open_library
from backend.asr.base import Recogniser, Vocabulary
from backend.asr.choose import choose_recogniser
from backend.calls.center import CallCenter, LiveCalls
from backend.calls.conversation import ConversationLimits, Engines
from backend.calls.event_log import log_events
from backend.calls.messages import Messages
from backend.calls.recordings import Recordings
from backend.calls.replay import Replayer
from backend.calls.retention import Keeping, Retention
from backend.config import ROOT, Settings
from backend.core.capacity import most_calls
from backend.core.errors import FrontdeskError
from backend.core.events import EventBus
from backend.db.database import Database
from backend.db.recorder import record_calls
from backend.db.store import Store
from backend.lines import AgiCalls, StreamCalls
from backend.modelstore.store import ModelStore
from backend.parts.finder import find
from backend.pbx.folders import prepare_media
from backend.telephony.agi.line import VOICE_RATE_HZ
from backend.tts.choose import choose_voice
from backend.tts.voice import LadderVoice

log = structlog.get_logger(__name__)

DRAIN_S = 5.0
"""How long calls in progress may go on when we stop; the PBX then gives them its fallback."""
PBX_S = 10.0
"""How long the PBX, which is started beside us, may take before we say that it is not there."""
SPOOL_MAX_AGE_S = 3600.0
"""Longer than any utterance: what is older was left by a bot that was killed."""


class App:
    """One bot. `start` (or `start_for_text`) and `stop` once each; stop it also after a failure."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.events = EventBus()
        self.one_time_password: str | None = None
        self.notes: list[str] = []
        """Sentences about what fell back, for whoever started us."""
        self._stack = AsyncExitStack()
        self._zone = datetime.now(UTC).astimezone().tzinfo or UTC

    @property
    def url(self) -> str:
        """Where the dashboard is."""
        host = self.settings.web_host
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self.settings.web_port}"

    async def start(self) -> None:
        """Everything; returns when calls are taken. Raises FrontdeskError."""
        await self.start_for_text()
        await self._start_lines()
        await self._start_pages()
        if self.settings.pbx == "own":
            await self._streams.wait_ready(PBX_S)
        self._in_background(self._warm(), "warm")
        self._in_background(self._messages.watch(), "messages")
        self._in_background(self._retention().run(), "retention")

    async def start_for_text(self) -> None:
        """What a conversation needs, without telephone and pages."""
        settings = self.settings
        await asyncio.to_thread(prepare_media, settings)
        log_events(self.events)
        self.database = Database(settings.db_url)
        self._stack.callback(self.database.close)
        self.store = await Store.open(
            self.database, settings.data_dir, warn=self.warn, zone=self._zone
        )
        self._stack.push_async_callback(self.store.aclose)
        self._stack.callback(record_calls(self.events, self.store))
        await asyncio.gather(self._start_agent(), self._start_recogniser(), self._start_voice())
        self._follow_knowledge()
        engines = Engines(self.agent, self.voice, self.recogniser, self.store)
        limits = ConversationLimits(
            max_call_s=settings.max_call_s,
            reprompts=settings.reprompts,
            reject_below=settings.reject_below,
            confirm_below=settings.confirm_below,
            filler_after_s=settings.filler_after_s,
        )
        most = most_calls(settings.max_calls, settings.data_dir)
        self.center = CallCenter(self.events, engines, limits, most)
        self.live = LiveCalls(self.events)
        self.replayer = Replayer(engines, limits, lambda: self.center.is_full)

    async def stop(self) -> None:
        """Stop in reverse order; calls in progress get a moment to end. Safe after any failure."""
        await self._stack.aclose()

    def warn(self, code: str, message: str) -> None:
        """Something outside any call fell back to its next rung."""
        log.warning("fell-back", code=code, message=message)
        if message not in self.notes:
            self.notes.append(message)

    async def _start_agent(self) -> None:
        settings = self.settings
        self.library = await asyncio.to_thread(open_library, settings, self.warn)
        await self.library.recall()
        self.knowledge = KnowledgeStore(
            settings.kb_path,
            model_dir=settings.data_dir / "models" / "intents",
            on_problem=lambda error: self.warn(error.code, str(error)),
            index=self.library.index,
            sentence_model=ModelStore(settings.data_dir).find_sentence(),
        )
        await self.knowledge.start()
        self._stack.push_async_callback(self.knowledge.aclose)
        self.library.watch(lambda: self.knowledge.current.knowledge, self.knowledge.reindex)
        self._stack.push_async_callback(self.library.aclose)
        self.agent: FrontdeskAgent = build_agent(self.knowledge, self.store, settings, self.warn)
        self._stack.push_async_callback(self.agent.aclose)

    async def _start_recogniser(self) -> None:
        self.recogniser: Recogniser = choose_recogniser(self.settings, self.warn)
        await self.recogniser.start()
        self._stack.push_async_callback(self.recogniser.aclose)

    async def _start_voice(self) -> None:
        self.voice: LadderVoice = choose_voice(
            self.settings,
            lambda name: find(name, self.settings.data_dir),
            self.warn,
            prompts_dir=ROOT / "asterisk" / "sounds",
        )
        await self.voice.start()
        self._stack.push_async_callback(self.voice.aclose)

    def _follow_knowledge(self) -> None:
        """What callers may say and what we will say both come from the knowledge base."""

        def changed(snapshot: Snapshot) -> None:
            self.recogniser.set_vocabulary(_vocabulary(snapshot))
            self._in_background(self._warm(), "warm")

        self.recogniser.set_vocabulary(_vocabulary(self.knowledge.current))
        self._stack.callback(self.knowledge.subscribe(changed))

    async def _warm(self) -> None:
        await self.voice.warm(self.agent.fixed_sentences(), VOICE_RATE_HZ)

    async def _start_pages(self) -> None:
        # A second of imports: the telephone is answered before, and meanwhile.
        await asyncio.to_thread(importlib.import_module, "backend.api.app")
        from backend.api.app import create_app
        from backend.api.bot import Bot
        from backend.api.services import ApiServices
        from backend.api.serving import WebServer
        from backend.health import HealthCheck

        settings = self.settings
        services = ApiServices(
            settings=settings,
            database=self.database,
            store=self.store,
            events=self.events,
            live=self.live,
            operators=self.center,
            replayer=self.replayer,
            health=HealthCheck(
                settings,
                self.store,
                self.recogniser,
                self.voice,
                lambda: self._streams.trouble,
                lambda: self.knowledge.trouble,
                self.library,
            ),
            recordings_dir=settings.media_dir / "recordings",
            zone=self._zone,
            bot=Bot(
                center=self.center,
                agent=self.agent,
                knowledge=self.knowledge,
                editor=KnowledgeEditor(settings.kb_path, History(settings.data_dir / "knowledge")),
                voice=self.voice,
                recogniser=self.recogniser,
                stream=self._streams.parts,
                phones=self._streams.phones,
                sip_url=f"ws://{settings.ari_host}:{settings.ari_port}/ws",
            ),
        )
        server = WebServer(create_app(services), settings.web_host, settings.web_port)
        await server.start()
        self._stack.push_async_callback(server.aclose)
        self.one_time_password = await self._first_user()

    async def _first_user(self) -> str | None:
        from backend.api.first_user import ensure_first_user

        try:
            return await ensure_first_user(self.store, now=datetime.now(UTC))
        except FrontdeskError as error:
            self.warn(error.code, str(error))
            return None

    async def _start_lines(self) -> None:
        settings = self.settings
        recordings = settings.media_dir / "recordings"
        self._recordings = Recordings(recordings, self.events)
        self._stack.push_async_callback(self._recordings.aclose)
        await self._recordings.recover()
        await self.store.close_interrupted(lambda call_id: _recording_of(recordings, call_id))
        await asyncio.to_thread(_clear_spool, settings.media_dir / "spool")
        self._messages = Messages(
            settings.media_dir / "messages", recordings, self.recogniser, self.store
        )
        agi = AgiCalls(settings, self.center)
        await agi.start()
        self._stack.push_async_callback(agi.aclose)
        streams = self._streams = StreamCalls(settings, self.center, self.warn)
        self._stack.push_async_callback(streams.aclose)
        await streams.start()
        self._stack.push_async_callback(self.center.drain, DRAIN_S)
        for line in (agi, streams):
            self._stack.callback(line.stop_listening)

    def _retention(self) -> Retention:
        settings = self.settings
        keeping = Keeping(settings.keep_recordings_days, settings.keep_calls_days)
        folder = settings.media_dir / "recordings"
        return Retention(self.database, self.store, folder, keeping)

    def _in_background(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(_guarded(work, name), name=name)
        self._stack.callback(work.close)  # who is stopped at once has not begun it
        self._stack.push_async_callback(_cancel, task)


async def _guarded(work: Coroutine[Any, Any, None], name: str) -> None:
    """Background work that fails is logged; it never takes a call with it."""
    try:
        await work
    except Exception:
        log.exception("background-work-failed", work=name)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _vocabulary(snapshot: Snapshot) -> Vocabulary:
    words = snapshot.vocabulary()
    return Vocabulary(words.sentences, words.min_digits, words.max_digits, words.words)


def _recording_of(folder: Path, call_id: str) -> str:
    name = f"{call_id}.wav"
    return name if (folder / name).exists() else ""


def _clear_spool(folder: Path) -> None:
    oldest_s = time.time() - SPOOL_MAX_AGE_S
    for path in folder.iterdir():
        with suppress(OSError):
            if path.stat().st_mtime < oldest_s:
                path.unlink()
