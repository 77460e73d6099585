"""The audio of one sentence: being made, once for everybody who asked, or already on disk."""

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np

from backend.audio.pcm import EMPTY, Pcm
from backend.core.errors import AudioError, EngineError
from backend.tts.cache import SpokenFile, opened
from backend.tts.gate import Urgency
from backend.tts.memory import SpokenMemory


class Making:
    """A sentence being synthesised. Its clips share it; when the last of them is gone, the work
    is dropped."""

    def __init__(self, words: str, rate_hz: int, urgency: Urgency) -> None:
        self.words = words
        self.rate_hz = rate_hz
        self.urgency = urgency
        self.is_silent = False
        """The last rung was reached."""
        self.is_abandoned = False
        self._task: asyncio.Task[None] | None = None
        self._clips = 0
        self._chunks: list[Pcm] = []
        self._spoilt: set[int] = set()
        """Chunks of attempts that failed: who listens has heard them, the file is without."""
        self._is_complete = False
        self._kept: SpokenFile | None = None
        self._refusal: AudioError | EngineError | None = None
        self._news = asyncio.Event()
        """Set, and replaced, whenever something above changes."""

    def run_as(self, task: "asyncio.Task[None]") -> None:
        """`task` does the work; however it ends, nobody waits in vain."""
        self._task = task
        task.add_done_callback(self._stop_waiting)

    def add(self, pcm: Pcm) -> None:
        """More audio."""
        if len(pcm):
            self._chunks.append(pcm)
            self._tell()

    @property
    def chunk_count(self) -> int:
        """How many chunks there are so far."""
        return len(self._chunks)

    def spoil(self, since: int) -> None:
        """The chunks from number `since` on belong to an attempt that failed."""
        self._spoilt.update(range(since, len(self._chunks)))

    def audio_is_complete(self) -> Pcm:
        """No more audio comes: all that is good."""
        self._is_complete = True
        self._tell()
        good = self._good_chunks()
        return np.concatenate(good) if good else EMPTY

    def keep(self, result: SpokenFile | AudioError) -> None:
        """The file it became, or why there is none."""
        if isinstance(result, SpokenFile):
            self._kept = result
        else:
            self._refusal = result
        self._tell()

    async def chunks(self) -> AsyncIterator[Pcm]:
        """From the beginning, as it comes."""
        index = 0
        while True:
            while index < len(self._chunks):
                yield self._chunks[index]
                index += 1
            if self._is_complete:
                return
            await self._news.wait()

    async def duration_s(self) -> float:
        """Seconds, once complete."""
        while not self._is_complete:
            await self._news.wait()
        return sum(map(len, self._good_chunks())) / self.rate_hz

    async def file(self) -> SpokenFile:
        """Once complete and written. Raises AudioError when no disk takes it."""
        while self._kept is None:
            if self._refusal is not None:
                raise self._refusal
            await self._news.wait()
        return self._kept

    def join(self) -> None:
        """One clip more wants the result."""
        self._clips += 1

    def leave(self) -> None:
        """One clip less. Audio that is complete is still written: it may be wanted again."""
        self._clips -= 1
        if not self._clips and not self._is_complete and self._task is not None:
            self.is_abandoned = True
            self._task.cancel()

    def _stop_waiting(self, _: "asyncio.Task[None]") -> None:
        self._is_complete = True
        if self._kept is None and self._refusal is None:
            self._refusal = EngineError("Speech was stopped before the sentence was complete.")
        self._tell()

    def _good_chunks(self) -> list[Pcm]:
        return [pcm for index, pcm in enumerate(self._chunks) if index not in self._spoilt]

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class FreshClip:
    """A clip whose audio is being made: for as long as somebody holds it, or until `close`."""

    def __init__(self, text: str, making: Making) -> None:
        self._text = text
        self._making = making
        making.join()
        self._leave = weakref.finalize(self, _leave, asyncio.get_running_loop(), making)
        self._leave.atexit = False

    @property
    def text(self) -> str:
        """The sentence as the agent wrote it."""
        return self._text

    @property
    def rate_hz(self) -> int:
        """Sample rate of the audio."""
        return self._making.rate_hz

    @property
    def is_silent(self) -> bool:
        """No engine could speak it."""
        return self._making.is_silent

    async def chunks(self) -> AsyncIterator[Pcm]:
        """From the beginning, as they are made."""
        async for pcm in self._making.chunks():
            yield pcm

    async def file(self) -> Path:
        """Valid while the clip lives. Raises AudioError when no disk takes it."""
        return (await self._making.file()).path

    async def duration_s(self) -> float:
        """Seconds, once complete."""
        return await self._making.duration_s()

    def close(self) -> None:
        """Nobody will listen: unfinished work is dropped, unless another clip shares it.

        Letting go of the clip does the same, but a cancelled task's traceback may still hold it.
        """
        self._leave()


def _leave(loop: asyncio.AbstractEventLoop, making: Making) -> None:
    # The garbage collector may run on any thread, and after the loop.
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(making.leave)


class KeptClip:
    """A clip from the cache. Should its file have gone or gone bad meanwhile, it is made again."""

    def __init__(
        self,
        text: str,
        spoken: SpokenFile,
        memory: SpokenMemory,
        make_again: Callable[[], FreshClip],
    ) -> None:
        self._text = text
        self._spoken = spoken
        self._memory = memory
        self._make_again = make_again
        self._again: FreshClip | None = None

    @property
    def text(self) -> str:
        """The sentence as the agent wrote it."""
        return self._text

    @property
    def rate_hz(self) -> int:
        """Sample rate of the audio."""
        return self._spoken.rate_hz

    async def chunks(self) -> AsyncIterator[Pcm]:
        """All of it in one; at once when it was played lately."""
        whole = self._memory.audio(self._spoken)
        if whole is None:
            try:
                whole = await asyncio.to_thread(self._spoken.read)
            except AudioError:
                async for pcm in self._replacement().chunks():
                    yield pcm
                return
            self._memory.keep(self._spoken, whole)
        yield whole

    async def file(self) -> Path:
        """At once, while the file is whole."""
        if opened(self._spoken.path) is not None:
            return self._spoken.path
        return await self._replacement().file()

    async def duration_s(self) -> float:
        """At once."""
        return self._spoken.length_s

    def close(self) -> None:
        """Nobody will listen."""
        if self._again is not None:
            self._again.close()

    def _replacement(self) -> FreshClip:
        if self._again is None:
            self._again = self._make_again()
        return self._again
