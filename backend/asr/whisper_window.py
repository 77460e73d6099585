"""A stretch of an utterance that Whisper decodes as one, and what its passes have understood."""

from dataclasses import dataclass, field, replace

import numpy as np

from backend.asr.whisper_agreement import Agreement
from backend.asr.whisper_pool import Job
from backend.audio.level import rms
from backend.audio.pcm import Pcm
from backend.core.speech import Transcript

WINDOW_S = 20.0
"""Whisper hears 30 s at once; longer audio would cost a second time with every pass."""
CUT_WITHIN_S = 8.0
"""A full window is cut in its last seconds, where it is quietest: between two sentences."""
QUIET_S = 0.2
"""Length of the quiet looked for: between words there is less, between sentences more."""


@dataclass(slots=True)
class Pass:
    """One decode of a window's audio so far."""

    job: Job
    ends_at: int
    """The utterance's sample after the last it was given."""
    quick: bool
    waiters: int = 0
    """Tasks that await its result."""
    noted: bool = False

    @property
    def transcript(self) -> Transcript | None:
        """What it understood; None while it is at work, and when it failed or was dropped."""
        future = self.job.future
        if not future.done() or future.cancelled() or future.exception():
            return None
        return future.result()


@dataclass(slots=True)
class Window:
    """From `starts_at` (in samples of the utterance) on. The next one begins where it is cut."""

    starts_at: int = 0
    chunks: list[Pcm] = field(default_factory=list)
    samples: int = 0
    latest: Pass | None = None
    _agreement: Agreement = field(default_factory=Agreement)
    _noted: Transcript | None = None

    @property
    def ends_at(self) -> int:
        """The utterance's sample after its last."""
        return self.starts_at + self.samples

    def add(self, pcm: Pcm) -> None:
        """Append samples, which are kept as they are."""
        self.chunks.append(pcm)
        self.samples += len(pcm)

    def note(self) -> None:
        """Compare what the latest pass understood, once it has, with the one before."""
        transcript = self.latest.transcript if self.latest else None
        if self.latest is None or transcript is None or self.latest.noted:
            return
        self.latest.noted = True
        self._agreement.hear(transcript.text.split())
        self._noted = transcript

    def committed(self) -> Transcript | None:
        """What two passes agree on, as sure as the later one."""
        words = self._agreement.committed
        if not words or self._noted is None:
            return None
        return replace(self._noted, text=" ".join(words))

    def covers(self, voice_ends_at: int | None) -> bool:
        """Whether the latest pass is thorough, not lost, and has all the voice there was.

        Without any voice that a stream can tell, it must have had all the audio.
        """
        if self.latest is None or self.latest.quick or self.latest.job.future.cancelled():
            return False
        return (self.ends_at if voice_ends_at is None else voice_ends_at) <= self.latest.ends_at

    def split(self, rate_hz: int) -> "Window":
        """Cut where it is quietest towards the end; the rest is a window of its own."""
        pcm = np.concatenate(self.chunks)
        step = max(1, round(QUIET_S * rate_hz))
        first = max(0, len(pcm) - round(CUT_WITHIN_S * rate_hz))
        places = range(first, len(pcm) - step + 1, max(1, step // 4))
        cut = min(places, key=lambda at: rms(pcm[at : at + step]), default=first) + step // 2
        rest = Window(self.starts_at + cut)
        rest.add(pcm[cut:].copy())
        self.chunks, self.samples = [pcm[:cut].copy()], cut
        return rest
