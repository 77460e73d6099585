"""Whisper as a recogniser, whatever runs it: whole utterances, begun while the caller pauses."""

import asyncio
import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from backend.asr.base import Vocabulary
from backend.asr.whisper_pool import DecodingPool, Job
from backend.asr.whisper_results import Decoded, nothing_said, to_transcript
from backend.audio.level import FULL_SCALE, SpeechDetector
from backend.audio.pcm import EMPTY, Pcm
from backend.audio.resample import resample
from backend.core.errors import EngineError
from backend.core.speech import Question, Transcript

log = structlog.get_logger(__name__)

RATE_HZ = 16000
"""Whisper's own rate."""
PAUSE_S = 0.3
"""Silence after which the utterance may be over, and decoding begins in case it is."""
TOKENS_PER_S = 8
"""Twice the fastest speech: where Whisper falls into a loop, this is what ends it."""
LEAST_TOKENS = 16
MOST_TOKENS = 220
"""Half of Whisper's context is for the text; the prompt needs a few."""

Samples = NDArray[np.float32]
"""Mono at 16 kHz, full scale is 1."""


def most_tokens(audio: Samples) -> int:
    """How long the text of this audio may become, for each window of 30 s."""
    return min(MOST_TOKENS, LEAST_TOKENS + math.ceil(TOKENS_PER_S * len(audio) / RATE_HZ))


class WhisperModel(Protocol):
    """A library that runs Whisper. All methods block; `decode` is called from several threads."""

    @property
    def name(self) -> str:
        """Library and model, e.g. `faster-whisper:base.en`."""

    @property
    def language(self) -> str:
        """What callers are expected to speak; told when nothing was decoded."""

    def load(self) -> None:
        """Raises EngineError."""

    def find_speech(self, audio: Samples) -> slice | None:
        """Where in the audio somebody speaks; None when nobody does."""

    def decode(self, audio: Samples) -> Decoded:
        """Write down what is said."""

    def unload(self) -> None:
        """Free the memory."""


class WhisperRecogniser:
    """One Whisper model shared by all calls."""

    def __init__(self, model: WhisperModel, workers: int) -> None:
        self._model = model
        self._pool = DecodingPool(workers)

    @property
    def name(self) -> str:
        """Library and model."""
        return self._model.name

    async def start(self) -> None:
        """Load the model and decode a second of noise: the first decode is the slowest."""
        await asyncio.to_thread(self._load)
        self._pool.start()

    def listen(self, question: Question, rate_hz: int) -> "WhisperStream":
        """Begin an utterance. Whisper knows the language by heart: every question is open."""
        return WhisperStream(self._model, self._pool, rate_hz)

    def set_vocabulary(self, vocabulary: Vocabulary) -> None:
        """Not used: words named to Whisper beforehand are words it hears in noise."""

    async def aclose(self) -> None:
        """Let running decodes end, then free the model."""
        await self._pool.aclose()
        await asyncio.to_thread(self._model.unload)

    def _load(self) -> None:
        self._model.load()
        noise = np.random.default_rng(0).normal(0.0, 0.01, RATE_HZ).astype(np.float32)
        try:
            self._model.find_speech(noise)
            self._model.decode(noise)
        except Exception as error:
            self._model.unload()
            raise EngineError(
                f"The model {self.name} loads but does not decode ({error}).",
                fix="Delete its folder and fetch it again: `frontdesk models fetch`.",
            ) from error


class WhisperStream:
    """One utterance. Collects audio, and decodes it once the caller pauses."""

    def __init__(self, model: WhisperModel, pool: DecodingPool, rate_hz: int) -> None:
        self._model = model
        self._pool = pool
        self._rate_hz = rate_hz
        self._chunks: list[Pcm] = []
        self._samples = 0
        self._detector = SpeechDetector(rate_hz)
        self._job: Job | None = None
        self._voice_ends_at = 0
        """Last voiced sample of the audio that the job has."""
        self._is_open = True

    def feed(self, pcm: Pcm) -> None:
        """Keep the samples; start decoding when they end in a pause, drop that when they do not."""
        if not self._is_open:
            return
        self._chunks.append(pcm.copy())
        self._samples += len(pcm)
        self._detector.feed(pcm)
        ends_at = self._detector.voice_ends_at
        if ends_at is None:
            return
        if self._job is not None and ends_at != self._voice_ends_at:
            self._pool.cancel(self._job)
            self._job = None
        if self._job is None and self._samples - ends_at >= PAUSE_S * self._rate_hz:
            self._speculate(ends_at)

    def partial(self) -> Transcript | None:
        """What was said up to the pause that lasts now, once that is decoded."""
        job = self._job
        if job is None or not job.future.done() or job.future.cancelled():
            return None
        return None if job.future.exception() else self._whole(job.future.result())

    async def finish(self) -> Transcript:
        """The transcript: the one begun in the pause when nothing was said since."""
        if not self._is_open:
            raise EngineError("This utterance was cancelled or is finished already.")
        self._is_open = False
        try:
            job = self._current_job()
            return self._whole(await asyncio.wrap_future(job.future))
        except EngineError:
            raise
        except asyncio.CancelledError:
            if self._job is not None and self._job.future.cancelled() and not _being_cancelled():
                raise EngineError("The recogniser was stopped during the utterance.") from None
            raise
        except Exception as error:
            log.warning("whisper-failed", engine=self._model.name, reason=str(error))
            raise EngineError(f"{self._model.name} failed: {error}.") from error
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Drop the audio, and the work if it has not begun."""
        self._is_open = False
        self._chunks.clear()
        if self._job is not None:
            self._pool.cancel(self._job)

    def _current_job(self) -> Job:
        """The speculation if it was queued and is not lost, else a job of all the audio."""
        job = self._job
        if job is not None and not job.future.cancelled():
            self._pool.make_urgent(job)
            return job
        self._job = self._pool.submit(self._work(), urgent=True)
        return self._job

    def _speculate(self, ends_at: int) -> None:
        try:
            self._job = self._pool.submit(self._work(), urgent=False)
        except EngineError:
            return  # too busy to guess; `finish` asks again in earnest
        self._voice_ends_at = ends_at

    def _work(self) -> Callable[[], Transcript]:
        chunks, rate_hz, model = tuple(self._chunks), self._rate_hz, self._model
        return lambda: _recognise(chunks, rate_hz, model)

    def _whole(self, transcript: Transcript) -> Transcript:
        """The speculation's audio was shorter than what came in the end."""
        return replace(transcript, audio_s=self._samples / self._rate_hz)


def _recognise(chunks: tuple[Pcm, ...], rate_hz: int, model: WhisperModel) -> Transcript:
    """Everything that costs time, for a thread of the pool."""
    began_s = time.perf_counter()
    pcm = np.concatenate(chunks) if chunks else EMPTY
    audio_s = len(pcm) / rate_hz
    decoded = None
    if SpeechDetector(rate_hz).last_voiced_sample(pcm) is not None:
        audio = resample(pcm, rate_hz, RATE_HZ).astype(np.float32) / np.float32(FULL_SCALE)
        spoken = model.find_speech(audio)
        if spoken is not None:
            decoded = model.decode(audio[spoken])
    work_s = time.perf_counter() - began_s
    if decoded is None:
        return nothing_said(model.language, audio_s, work_s)
    return to_transcript(decoded, audio_s, work_s)


def _being_cancelled() -> bool:
    """Whether it is the waiting task that was cancelled, not the work it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
