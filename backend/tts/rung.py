"""One engine on the ladder: when it may be tried, how long it may take, what counts as failure."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from backend.audio.pcm import Pcm
from backend.core.errors import EngineError
from backend.tts.base import Synthesiser
from backend.tts.breaker import Breaker
from backend.tts.gate import Gate, Urgency

log = structlog.get_logger(__name__)


class Rung:
    """Wraps an engine. Whatever goes wrong in it comes out as EngineError and is remembered.

    `slots` sentences are made at once. A caller's sentence may queue for `queue_s` and wait
    `chunk_s` for each chunk: after that the next rung is quicker.
    """

    def __init__(
        self,
        engine: Synthesiser,
        *,
        slots: int,
        queue_s: float,
        chunk_s: float,
        clock: Callable[[], float],
    ) -> None:
        self.engine = engine
        self.gate = Gate(slots)
        self._breaker = Breaker()
        self._queue_s = queue_s
        self._chunk_s = chunk_s
        self._clock = clock

    @property
    def name(self) -> str:
        """The engine's name."""
        return self.engine.name

    @property
    def trouble(self) -> str:
        """Why the engine is being left alone; empty while it works."""
        return self._breaker.reason

    @property
    def may_try(self) -> bool:
        """Whether to give it a sentence now."""
        return self._breaker.allows(self._clock())

    async def start(self) -> None:
        """Load the engine. Raises EngineError; the engine is tried again later all the same."""
        async with self._failures_remembered():
            await self.engine.start()

    async def speak(self, text: str, rate_hz: int, urgency: Urgency) -> AsyncGenerator[Pcm, None]:
        """The engine's chunks. Raises EngineError when it fails, stalls or says nothing, and
        BusyError, which is no failure, when it has too much to do."""
        async with self.gate.slot(urgency, self._queue_s), self._failures_remembered():
            self._breaker.trying(self._clock())
            samples = 0
            chunks = self.engine.speak(text, rate_hz)
            try:
                while (pcm := await self._next(chunks)) is not None:
                    samples += len(pcm)
                    yield pcm
            finally:
                if isinstance(chunks, AsyncGenerator):
                    await chunks.aclose()
            if not samples:
                raise EngineError(f"{self.name} returned no audio.")

    async def _next(self, chunks: AsyncIterator[Pcm]) -> Pcm | None:
        try:
            async with asyncio.timeout(self._chunk_s):
                return await anext(chunks, None)
        except TimeoutError as error:
            raise EngineError(f"{self.name} made no audio for {self._chunk_s:g} s.") from error

    @asynccontextmanager
    async def _failures_remembered(self) -> AsyncIterator[None]:
        try:
            yield
        except EngineError as error:
            self._breaker.failed(self._clock(), error.message)
            raise
        except Exception as error:
            # An engine's own mistake must not reach the caller either; it is ours to find.
            log.exception("synthesiser-raised", engine=self.name)
            self._breaker.failed(self._clock(), type(error).__name__)
            raise EngineError(f"{self.name} failed: {type(error).__name__}.") from error
        self._breaker.succeeded()
