"""PocketSphinx: the recogniser that needs no download, told by the knowledge base what to expect.

The decoding happens in worker processes (`sphinx.worker`) as the audio arrives, so that little is
left to do when the caller has finished.
"""

import asyncio
import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import structlog

from backend.asr import silero
from backend.asr.base import Vocabulary
from backend.asr.sphinx import materials
from backend.asr.sphinx.features import RATE_HZ
from backend.asr.sphinx.process import WorkerProcess
from backend.audio.level import SpeechDetector
from backend.audio.pcm import Pcm
from backend.audio.resample import Resampler
from backend.core.errors import EngineError
from backend.core.speech import Question, Transcript
from backend.parts.program import Program

log = structlog.get_logger(__name__)

_SAMPLE_BYTES = 2

PAD_S = 0.3
"""Silence decoded before and after the voice: soft consonants lie under the detector's level, and
more silence only invites words into it."""
READY_S = 20.0
"""How long an utterance waits for the first language model: it is made in two seconds."""
BATCH_S = 0.2
"""Voice is given to the workers in pieces of this length at least: smaller ones only cost."""
JUDGED_S = 0.5
"""Voice after which is judged, while it goes on, whether it is speech; shorter ones are at their
end."""
TALKING = 0.35
"""Share of the calls in which the caller speaks: a quarter, as answers are longer than questions,
and at times more."""
MOST_DECODERS = 24
"""Of one worker: what a hundred and twenty calls on two cores need, at 15 to 20 MB each."""
RESULT_S = 10.0
"""Ten times what the longest utterance takes on a busy machine."""


class PocketSphinx:
    """See `backend.asr.base.Recogniser`. Language models are kept under `folder`; of so many
    `calls` every caller is decoded while they speak."""

    name = "pocketsphinx"
    is_overloaded = False
    """It decodes as the audio comes, in a twentieth of its time: the line's own limit is lower."""

    def __init__(
        self, workers: int, folder: Path, flite: Program | None = None, *, calls: int = 1
    ) -> None:
        self._folder = folder
        self._flite = flite
        decoders = min(math.ceil(TALKING * calls / workers), MOST_DECODERS)
        self._workers = [WorkerProcess(decoders) for _ in range(workers)]
        self._ids = itertools.count(1)
        self._loading: asyncio.Task[None] | None = None
        self._gate: asyncio.Task[None] | None = None
        self.ready = asyncio.Event()
        """Set once there is a language model to listen with."""

    async def is_speech(self, pcm: Pcm) -> bool:
        """Whether somebody speaks: words can be heard in music and in a slammed door, too."""
        if self._gate is None:
            return True
        try:
            await asyncio.shield(self._gate)  # a call that ends must not end it for the others
            return await asyncio.to_thread(_has_speech, pcm)
        except (EngineError, RuntimeError) as error:
            log.warning("speech-gate-failed", reason=str(error))
            self._gate = None
            return True

    async def start(self) -> None:
        """Start the workers. Raises EngineError when PocketSphinx cannot run here."""
        await asyncio.gather(*(worker.start() for worker in self._workers))
        # Two thirds of a second of imports that nobody waits for.
        self._gate = asyncio.create_task(asyncio.to_thread(silero.load))

    def listen(self, question: Question, rate_hz: int) -> "SphinxStream":
        """Begin an utterance. It costs nothing until somebody speaks."""
        return SphinxStream(next(self._ids), question, rate_hz, self)

    def idlest_worker(self) -> WorkerProcess:
        """The one alive with the least to do."""
        return min(self._workers, key=lambda worker: (not worker.is_alive, worker.streams))

    def set_vocabulary(self, vocabulary: Vocabulary) -> None:
        """Make the models in a process of their own, then have the workers load them."""
        previous = self._loading
        self._loading = asyncio.create_task(self._load(vocabulary, previous))

    async def aclose(self) -> None:
        """End the workers."""
        for task in filter(None, (self._loading, self._gate)):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await asyncio.gather(*(worker.aclose() for worker in self._workers))

    async def _load(self, vocabulary: Vocabulary, previous: asyncio.Task[None] | None) -> None:
        if previous is not None:
            await asyncio.gather(previous, return_exceptions=True)
        try:
            place = await materials.prepare_in_child(self._folder, vocabulary, self._flite)
            await asyncio.gather(*(worker.load(place) for worker in self._workers))
        except EngineError as error:
            log.error("language-model-failed", code=error.code, reason=error.message)
            return
        self.ready.set()


class SphinxStream:
    """One utterance. Only the voice in it is decoded."""

    def __init__(
        self, number: int, question: Question, rate_hz: int, recogniser: PocketSphinx
    ) -> None:
        self._worker: WorkerProcess | None = None
        self._number = number
        self._question = question
        self._recogniser = recogniser
        self._resampler = Resampler(rate_hz, RATE_HZ) if rate_hz != RATE_HZ else None
        self._detector = SpeechDetector(RATE_HZ)
        self._audio = bytearray()
        self._sent = 0
        self._closed = False
        self._peeked: Transcript | None = None
        self._asked_at = 0
        """Where the voice ended when it was last peeked at."""
        self._verdict: asyncio.Task[bool] | None = None

    def feed(self, pcm: Pcm) -> None:
        """See the door."""
        self._take(self._resampler.feed(pcm) if self._resampler else pcm)

    def partial(self) -> Transcript | None:
        """The words so far; their confidence is not known yet."""
        text = self._worker.partial(self._number) if self._worker else ""
        return Transcript(text, 0.0, audio_s=self._audio_s) if text else None

    async def peek(self) -> Transcript:
        """See the door. What the worker has found is kept until there is more voice."""
        ends = self._detector.voice_ends_at
        if ends is None:
            return Transcript("", 0.0, no_speech_probability=1.0, audio_s=self._audio_s)
        if self._peeked is None or self._asked_at < ends:
            try:
                async with asyncio.timeout(READY_S):
                    await self._recogniser.ready.wait()
                self._send_voice(at_once=True)
                self._peeked, self._asked_at = None, ends
                async with asyncio.timeout(RESULT_S):
                    self._peeked = await self._result()
            except TimeoutError:
                raise EngineError("PocketSphinx did not answer in time.") from None
        return replace(self._peeked, audio_s=self._audio_s)

    async def finish(self) -> Transcript:
        """See the door."""
        if self._resampler:
            self._take(self._resampler.finish())
        try:
            return await self.peek()
        finally:
            self.cancel()

    def cancel(self) -> None:
        """See the door."""
        if self._worker and not self._closed:
            self._worker.close(self._number)
        if self._verdict:
            self._verdict.cancel()
        self._closed = True

    async def _result(self) -> Transcript:
        if self._worker is None:
            raise EngineError("The utterance was cancelled.")
        result, is_speech = await asyncio.gather(self._worker.peek(self._number), self._is_speech())
        if not is_speech or not result.text:
            return Transcript("", 0.0, work_s=result.work_s)
        return Transcript(result.text, result.confidence, work_s=result.work_s)

    async def _is_speech(self) -> bool:
        """Judged once for good when it is; what was not speech so far may still become it."""
        verdict = self._verdict
        if verdict is not None and await asyncio.shield(verdict):
            return True
        self._verdict = verdict = self._judge()
        return await asyncio.shield(verdict)

    def _judge(self) -> "asyncio.Task[bool]":
        pcm = np.frombuffer(bytes(self._audio), dtype=np.int16)
        return asyncio.create_task(self._recogniser.is_speech(pcm))

    @property
    def _audio_s(self) -> float:
        return len(self._audio) / _SAMPLE_BYTES / RATE_HZ

    def _take(self, pcm: Pcm) -> None:
        self._audio += pcm.astype(np.int16, copy=False).tobytes()
        self._detector.feed(pcm)
        if self._recogniser.ready.is_set() and self._detector.has_speech:
            self._send_voice()

    def _send_voice(self, *, at_once: bool = False) -> None:
        """Give the worker the voice it has not had, with a little silence on both sides."""
        starts, ends = self._detector.voice_starts_at, self._detector.voice_ends_at
        if self._closed or starts is None or ends is None:
            return
        if ends <= self._asked_at:
            return  # Only silence since: the result stands, or will.
        pad = round(PAD_S * RATE_HZ)
        if self._worker is None:
            self._worker = self._recogniser.idlest_worker()
            self._sent = max(0, starts - pad)
            self._worker.open(self._number, self._question.expect.value)
        end = min(len(self._audio) // _SAMPLE_BYTES, ends + pad)
        if end - self._sent >= (1 if at_once else BATCH_S * RATE_HZ):
            voice = self._audio[_SAMPLE_BYTES * self._sent : _SAMPLE_BYTES * end]
            self._worker.feed(self._number, bytes(voice))
            self._sent = end
        if self._verdict is None and ends - starts >= JUDGED_S * RATE_HZ:
            self._verdict = self._judge()


def _has_speech(pcm: Pcm) -> bool:
    return silero.find_speech(pcm) is not None
