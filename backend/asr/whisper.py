"""Whisper as a recogniser, whatever library runs it: one model and its threads for all calls."""

import asyncio

import numpy as np

from backend.asr import silero
from backend.asr.base import Vocabulary
from backend.asr.whisper_model import RATE_HZ, WhisperModel
from backend.asr.whisper_pool import DecodingPool
from backend.asr.whisper_stream import WhisperStream
from backend.core.errors import EngineError
from backend.core.speech import Question


class WhisperRecogniser:
    """One Whisper model shared by all calls."""

    def __init__(self, model: WhisperModel, workers: int) -> None:
        self._model = model
        self._pool = DecodingPool(workers)

    @property
    def name(self) -> str:
        """Library and model."""
        return self._model.name

    @property
    def is_overloaded(self) -> bool:
        """See the door."""
        return self._pool.is_overloaded

    async def start(self) -> None:
        """Load the model and decode a second of noise: the first decode is the slowest."""
        await asyncio.to_thread(self._load)
        self._pool.start()

    def listen(self, question: Question, rate_hz: int) -> WhisperStream:
        """Begin an utterance. Whisper knows the language by heart: every question is open."""
        return WhisperStream(self._model, self._pool, rate_hz)

    def set_vocabulary(self, vocabulary: Vocabulary) -> None:
        """Not used: words named to Whisper beforehand are words it hears in noise."""

    async def aclose(self) -> None:
        """Let running decodes end, then free the model."""
        await self._pool.aclose()
        await asyncio.to_thread(self._model.unload)

    def _load(self) -> None:
        silero.load()
        self._model.load()
        noise = np.random.default_rng(0).normal(0.0, 0.01, RATE_HZ).astype(np.float32)
        try:
            self._model.decode(noise, quick=False)
        except Exception as error:
            self._model.unload()
            raise EngineError(
                f"The model {self.name} loads but does not decode ({error}).",
                fix="Delete its folder and fetch it again: `frontdesk models fetch`.",
            ) from error
