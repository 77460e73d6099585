"""The ladder of recognisers: the first that starts is the one in use."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

import structlog

from backend.asr.base import Recogniser, RecogniserStream, Vocabulary
from backend.asr.deaf import Deaf
from backend.core.errors import EngineError
from backend.core.speech import Question

log = structlog.get_logger(__name__)

Warn = Callable[[str, str], None]
"""Takes a code and a sentence for the operator."""


@dataclass(frozen=True, slots=True)
class Rung:
    """An engine that may turn out not to work here."""

    label: str
    build: Callable[[], Recogniser]
    """May raise EngineError, as may the `start` of what it returns."""


class LadderRecogniser:
    """Tries its rungs in order. Below the last one is deafness, which cannot fail."""

    def __init__(self, rungs: Sequence[Rung], warn: Warn) -> None:
        self._rungs = rungs
        self._warn = warn
        self._in_use: Recogniser = Deaf()
        self._vocabulary: Vocabulary | None = None

    @property
    def name(self) -> str:
        """Of the rung in use; `deaf` before `start`."""
        return self._in_use.name

    @property
    def is_overloaded(self) -> bool:
        """Of the rung in use."""
        return self._in_use.is_overloaded

    async def start(self) -> None:
        """Start the best engine that works. Never raises EngineError: there is always Deaf."""
        for rung, below in zip(self._rungs, [*self._rungs[1:], None], strict=True):
            try:
                self._in_use = await _started(rung)
                break
            except EngineError as error:
                instead = f"{below.label} is tried instead" if below else "only keys are understood"
                self._warn("asr-engine", f"{rung.label} cannot be used; {instead}. {error}")
        log.info("recogniser-chosen", engine=self.name)
        if self._vocabulary is not None:
            self._in_use.set_vocabulary(self._vocabulary)

    def listen(self, question: Question, rate_hz: int) -> RecogniserStream:
        """Begin an utterance on the rung in use."""
        return self._in_use.listen(question, rate_hz)

    def set_vocabulary(self, vocabulary: Vocabulary) -> None:
        """Remembered for a rung that starts later."""
        self._vocabulary = vocabulary
        self._in_use.set_vocabulary(vocabulary)

    async def aclose(self) -> None:
        """Close the rung in use."""
        engine, self._in_use = self._in_use, Deaf()
        await engine.aclose()


async def _started(rung: Rung) -> Recogniser:
    engine = rung.build()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engine.aclose)
        await engine.start()
        stack.pop_all()
    return engine
