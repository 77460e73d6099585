"""The voice of all calls: cache first, then one engine after the other, then silence."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np
import structlog

from backend.core.errors import AudioError, EngineError
from backend.tts.cache import SpeechCache, SpokenFile, SpokenKey
from backend.tts.clip import FreshClip, KeptClip, Making
from backend.tts.gate import BusyError, Urgency
from backend.tts.memory import SpokenMemory
from backend.tts.prompts import Prompts
from backend.tts.rung import Rung
from backend.tts.silence import Silence
from backend.tts.speakable import Piece, pieces, speakable

log = structlog.get_logger(__name__)

Warn = Callable[[str, str], None]
"""Told `(code, message)` whenever something fell back; must return at once."""

NOTHING_S = 0.05
"""Length of a clip with nothing to say, such as an emoji: too short to notice, a valid file."""

START_WAIT_S = 1.5
"""A large Piper voice takes longer to load. Calls are answered before, by the next engine."""


@dataclass(frozen=True, slots=True)
class EngineState:
    """One engine for `/health` and `frontdesk doctor`."""

    name: str
    trouble: str
    """Why it is being left alone; empty while it works."""


class LadderVoice:
    """Never raises for anything an engine does. Call `start` before the first call and `aclose`
    at the end; both belong to the event loop that the clips are used on.

    A clip's work goes on only while somebody holds the clip.
    """

    def __init__(
        self,
        rungs: Sequence[Rung],
        cache: SpeechCache,
        warn: Warn,
        *,
        prompts: Prompts | None = None,
    ) -> None:
        self._rungs = tuple(rungs)
        self._cache = cache
        self._memory = SpokenMemory()
        self._warn = warn
        self._prompts = prompts
        self._silence = Silence()
        self._makings: dict[tuple[str, int], Making] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loading: list[asyncio.Task[None]] = []

    @property
    def name(self) -> str:
        """Name of the engine the next new sentence is given to first."""
        working = (rung.name for rung in self._rungs if not rung.trouble)
        return next(working, self._silence.name)

    def engines(self) -> list[EngineState]:
        """Every rung but silence, best first."""
        return [EngineState(rung.name, rung.trouble) for rung in self._rungs]

    async def start(self) -> None:
        """Read the cache's folder and load the engines; slow ones go on loading meanwhile.

        What fails is warned of and tried again later.
        """
        self._loading = [asyncio.create_task(self._load(rung)) for rung in self._rungs]
        try:
            await asyncio.to_thread(self._cache.open)
        except AudioError as error:
            self._warn("tts-cache", str(error))
        if self._loading:
            await asyncio.wait(self._loading, timeout=START_WAIT_S)

    def clip(self, text: str, rate_hz: int) -> FreshClip | KeptClip:
        """Audio for one sentence as the agent wrote it. Making it starts now."""
        return self._clip(text, rate_hz, live=True)

    async def warm(self, texts: Iterable[str], rate_hz: int) -> None:
        """Make what is not cached, one sentence after the other, in the gaps callers leave.

        Waits for engines that are still loading. Stops when none works. Cancelling it drops the
        sentence it is at.
        """
        if self._loading:
            await asyncio.wait(self._loading)
        for text in dict.fromkeys(texts):
            clip = self._clip(text, rate_hz, live=False)
            try:
                await clip.file()
                async for _ in clip.chunks():
                    pass  # read once, it is in memory, where lines play from
                gives_up = isinstance(clip, FreshClip) and clip.is_silent
            except (AudioError, EngineError) as error:
                log.warning("speech-warming-stopped", reason=str(error))
                return
            finally:
                clip.close()
            if gives_up:
                log.warning("speech-warming-stopped", reason="no engine works")
                return

    async def aclose(self) -> None:
        """Drop unfinished work, then stop the engines."""
        tasks = [*self._loading, *self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(rung.engine.aclose() for rung in self._rungs))

    async def _load(self, rung: Rung) -> None:
        try:
            await rung.start()
        except EngineError as error:
            self._warn("tts-engine", f"{rung.name} is not available. {error}")

    def _clip(self, text: str, rate_hz: int, *, live: bool) -> FreshClip | KeptClip:
        words = speakable(text)
        spoken = self._ready(words, rate_hz)
        if spoken is None:
            return self._fresh(text, words, rate_hz, live=live)
        return KeptClip(
            text, spoken, self._memory, lambda: self._fresh(text, words, rate_hz, live=live)
        )

    def _ready(self, words: str, rate_hz: int) -> SpokenFile | None:
        """The best version that needs no work: not a lower rung's while a higher one works."""
        if not words:
            return None
        for rung in self._rungs:
            key = SpokenKey(rung.name, words, rate_hz)
            spoken = self._memory.find(key.file_name) or self._cache.find(key)
            if spoken is not None or rung.may_try:
                return spoken
        return self._from_elsewhere(words, rate_hz)

    def _from_elsewhere(self, words: str, rate_hz: int) -> SpokenFile | None:
        """Any voice is better than none."""
        spoken = self._cache.find_any(words, rate_hz)
        if spoken is None and self._prompts is not None:
            spoken = self._prompts.find(words, rate_hz)
        return spoken

    def _fresh(self, text: str, words: str, rate_hz: int, *, live: bool) -> FreshClip:
        making = self._makings.get((words, rate_hz))
        if making is None or making.is_abandoned:
            making = self._begin(Making(words, rate_hz, Urgency(live)))
        elif live and not making.urgency.live:
            making.urgency.live = True
            for rung in self._rungs:
                rung.gate.reconsider()
        return FreshClip(text, making)

    def _begin(self, making: Making) -> Making:
        key = (making.words, making.rate_hz)
        task = asyncio.create_task(self._make(making))
        self._makings[key] = making
        self._tasks.add(task)

        def forget(done: "asyncio.Task[None]") -> None:
            self._tasks.discard(done)
            if self._makings.get(key) is making:
                del self._makings[key]
            if not done.cancelled() and (error := done.exception()) is not None:
                log.error("speech-making-failed", exc_info=error)

        task.add_done_callback(forget)
        making.run_as(task)
        return making

    async def _make(self, making: Making) -> None:
        """Climb down until every piece is spoken, then keep the whole."""
        remaining = pieces(making.words)
        spoken_by: list[str] = []
        for rung in self._rungs:
            if not remaining:
                break
            if not spoken_by and await self._reuse(making, rung.name):
                return
            if rung.may_try and await self._speak_on(rung, making, remaining):
                spoken_by.append(rung.name)
        if remaining and not spoken_by:
            elsewhere = self._from_elsewhere(making.words, making.rate_hz)
            if elsewhere is not None and await self._play(making, elsewhere):
                return
        if remaining:
            await self._fall_silent(making, remaining)
        elif not making.words:
            making.add(np.zeros(round(NOTHING_S * making.rate_hz), dtype=np.int16))
        await self._keep(making, "+".join(spoken_by))

    async def _speak_on(self, rung: Rung, making: Making, remaining: list[Piece]) -> bool:
        """Take spoken pieces off `remaining`; whether there was any.

        A piece that failed half way is begun again by the next engine: hearing words twice is
        better than missing the amount.
        """
        before, begun_at = len(remaining), making.chunk_count
        try:
            while remaining:
                piece, begun_at = remaining[0], making.chunk_count
                speech = rung.speak(piece.text, making.rate_hz, making.urgency)
                async with aclosing(speech):
                    async for pcm in speech:
                        making.add(pcm)
                making.add(np.zeros(round(piece.pause_s * making.rate_hz), dtype=np.int16))
                del remaining[0]
        except EngineError as error:
            making.spoil(begun_at)
            code = "tts-busy" if isinstance(error, BusyError) else "tts-engine"
            self._warn(code, f"{rung.name} could not speak a sentence. {error}")
        return len(remaining) < before

    async def _reuse(self, making: Making, engine: str) -> bool:
        """A lower rung may have said it before."""
        spoken = self._cache.find(SpokenKey(engine, making.words, making.rate_hz))
        return spoken is not None and await self._play(making, spoken)

    async def _play(self, making: Making, spoken: SpokenFile) -> bool:
        try:
            making.add(await asyncio.to_thread(spoken.read))
        except AudioError:
            return False
        making.audio_is_complete()
        making.keep(spoken)
        return True

    async def _fall_silent(self, making: Making, remaining: list[Piece]) -> None:
        making.is_silent = True
        self._warn("tts-silence", "No engine could speak a sentence; the caller hears silence.")
        rest = " ".join(piece.text for piece in remaining)
        async for pcm in self._silence.speak(rest, making.rate_hz):
            making.add(pcm)

    async def _keep(self, making: Making, engine: str) -> None:
        """In the cache; silence, and what the cache's disk refuses, in a temporary place."""
        pcm = making.audio_is_complete()
        if engine and not making.is_silent:
            key = SpokenKey(engine, making.words, making.rate_hz)
            try:
                spoken = await asyncio.to_thread(self._cache.store, key, pcm)
            except AudioError as error:
                self._warn("tts-cache", str(error))
            else:
                self._memory.keep(spoken, pcm)
                # Whoever asks from now on finds it there.
                self._makings.pop((making.words, making.rate_hz), None)
                making.keep(spoken)
                return
        try:
            making.keep(await asyncio.to_thread(self._cache.temporary, pcm, making.rate_hz))
        except AudioError as error:
            making.keep(error)
