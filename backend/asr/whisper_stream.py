"""One utterance for Whisper, which only knows whole ones: decoded again and again as it grows."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import structlog

from backend.asr.whisper_model import WhisperModel, recognise
from backend.asr.whisper_pool import BusyError, DecodingPool, Urgency, Work
from backend.asr.whisper_results import joined
from backend.asr.whisper_window import WINDOW_S, Pass, Window
from backend.audio.level import SpeechDetector
from backend.audio.pcm import Pcm
from backend.core.errors import EngineError
from backend.core.speech import Transcript

log = structlog.get_logger(__name__)

PAUSE_S = 0.3
"""Silence after which the utterance may be over, and decoding begins in case it is, on lines that
do not tell of pauses (`peek`) earlier."""
ROLL_S = 1.0
"""New audio that is worth another pass while the caller speaks: two or three words."""
GOING_ON_S = 0.06
"""Voice this recent goes on. In what may become the pause no rolling pass must be in the way."""


class WhisperStream:
    """See `backend.asr.base.RecogniserStream`. Collects audio in windows of bounded length."""

    def __init__(self, model: WhisperModel, pool: DecodingPool, rate_hz: int) -> None:
        self._model = model
        self._pool = pool
        self._rate_hz = rate_hz
        self._detector = SpeechDetector(rate_hz)
        self._closed: list[Window] = []
        """Those cut off: nothing is added to them any more."""
        self._window = Window()
        self._is_open = True

    def feed(self, pcm: Pcm) -> None:
        """Keep the samples; decode when they end in a pause, or now and then while they do not."""
        if not self._is_open:
            return
        self._window.add(pcm.copy())
        self._detector.feed(pcm)
        if self._window.samples >= WINDOW_S * self._rate_hz:
            self._close_window()
        ends_at = self._voice_ends_at(self._window)
        if ends_at is None or self._window.covers(ends_at):
            return
        self._drop_stale()
        silence_s = (self._window.ends_at - ends_at) / self._rate_hz
        if silence_s >= PAUSE_S:
            self._speculate(self._window, Urgency.PAUSE)
        elif silence_s < GOING_ON_S and self._is_time_to_roll():
            self._speculate(self._window, Urgency.ROLLING)

    def partial(self) -> Transcript | None:
        """All words while the pause lasts in which they were decoded; else those committed."""
        known = [self._known(window) for window in (*self._closed, self._window)]
        parts = [one for one in known if one is not None]
        return self._whole(parts) if parts else None

    async def peek(self) -> Transcript:
        """See the door. Takes no time when the pause is decoded already."""
        self._check_open()
        return await self._all_windows()

    async def finish(self) -> Transcript:
        """See the door. The pass begun in the pause is used when nothing was said since."""
        self._check_open()
        self._is_open = False
        try:
            return await self._all_windows()
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Drop the audio, and the work that has not begun."""
        self._is_open = False
        for window in (*self._closed, self._window):
            window.chunks.clear()
            if window.latest is not None:
                self._pool.cancel(window.latest.job)

    def _check_open(self) -> None:
        if not self._is_open:
            raise EngineError("This utterance was cancelled or is finished already.")

    def _voice_ends_at(self, window: Window) -> int | None:
        """The last voiced sample that the window has; None when it has no voice."""
        ends_at = self._detector.voice_ends_at
        if ends_at is None or ends_at <= window.starts_at:
            return None
        return min(ends_at, window.ends_at)

    def _known(self, window: Window) -> Transcript | None:
        window.note()
        if window.latest is not None and window.covers(self._voice_ends_at(window)):
            transcript = window.latest.transcript
            if transcript is not None:
                return transcript
        return window.committed()

    def _close_window(self) -> None:
        """Cut off what is full, and have its final words decoded."""
        window = self._window
        window.note()
        if window.latest is not None and not window.latest.waiters:
            self._pool.cancel(window.latest.job)
        window.latest = None  # it may have audio from behind the cut
        self._window = window.split(self._rate_hz)
        for done in self._closed:
            if done.latest is not None and done.latest.transcript is not None:
                done.chunks.clear()
        self._closed.append(window)
        self._speculate(window, Urgency.PAUSE)

    def _drop_stale(self) -> None:
        """Voice came after it began: a thorough pass that nobody awaits is not needed any more."""
        latest = self._window.latest
        if latest is not None and not latest.quick and not latest.waiters:
            self._pool.cancel(latest.job)

    def _speculate(self, window: Window, urgency: Urgency) -> None:
        with suppress(EngineError):  # too busy to guess; `finish` asks again in earnest
            self._begin(window, urgency)

    def _is_time_to_roll(self) -> bool:
        window, starts_at = self._window, self._detector.voice_starts_at
        if starts_at is None or (window.latest and not window.latest.job.future.done()):
            return False
        since = max(window.starts_at, starts_at, window.latest.ends_at if window.latest else 0)
        new_s = (window.ends_at - since) / self._rate_hz
        return new_s >= ROLL_S and self._pool.has_room_to_roll

    def _begin(self, window: Window, urgency: Urgency) -> Pass:
        """A pass over all of the window so far, instead of the one there was."""
        window.note()
        quick = urgency is Urgency.ROLLING
        job = self._pool.submit(self, self._work(window, quick=quick), urgency)
        if window.latest is not None and not window.latest.waiters:
            self._pool.cancel(window.latest.job)
        window.latest = Pass(job, window.ends_at, quick)
        return window.latest

    def _work(self, window: Window, *, quick: bool) -> Work:
        chunks, rate_hz, model = tuple(window.chunks), self._rate_hz, self._model
        return lambda: recognise(chunks, rate_hz, model, quick=quick)

    async def _all_windows(self) -> Transcript:
        windows = [*self._closed, self._window]
        if self._closed and self._voice_ends_at(self._window) is None:
            windows.pop()
        passes = [self._pass_over(window) for window in windows]
        return self._whole([await self._result(one) for one in passes])

    def _pass_over(self, window: Window) -> Pass:
        """The one that has all the voice if there is one, in a hurry now, else a new one."""
        if window.latest is not None and window.covers(self._voice_ends_at(window)):
            self._pool.make_urgent(window.latest.job)
            return window.latest
        return self._begin(window, Urgency.ANSWER)

    async def _result(self, one: Pass) -> Transcript:
        """Cancelling who waits leaves the work to whoever else waits for it."""
        one.waiters += 1
        try:
            return await asyncio.shield(asyncio.wrap_future(one.job.future))
        except BusyError:
            raise
        except asyncio.CancelledError:
            if one.job.future.cancelled() and not _being_cancelled():
                raise EngineError("The utterance was cancelled while it was decoded.") from None
            raise
        except Exception as error:
            log.warning("whisper-failed", engine=self._model.name, reason=str(error))
            raise EngineError(f"{self._model.name} failed: {error}.") from error
        finally:
            one.waiters -= 1

    def _whole(self, parts: list[Transcript]) -> Transcript:
        """The passes' audio was shorter than what came in the end."""
        return replace(joined(parts), audio_s=self._window.ends_at / self._rate_hz)


def _being_cancelled() -> bool:
    """Whether it is the waiting task that was cancelled, not the work it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
