"""Changing the sample rate, by SoX's resampler (soxr), with its state carried across chunks."""

from enum import StrEnum
from typing import Any

import numpy as np
import soxr

from backend.audio.pcm import EMPTY, Pcm, to_pcm
from backend.core.errors import AudioError


class Quality(StrEnum):
    """How steep the filter is, which is how much audio it holds back."""

    HIGH = "HQ"
    """For recognition and files: 20 bits accurate. Streaming, it works in blocks and holds back
    up to 190 ms (measured, 8 and 16 kHz) until `finish`."""
    LOW_LATENCY = "QQ"
    """For audio on its way to an ear: cubic interpolation, holds back under 1 ms. It does not
    filter: going down, what lies above half the lower rate folds back."""


class Resampler:
    """One stream. Chunk borders leave no trace: any split gives the same samples."""

    def __init__(self, from_hz: int, to_hz: int, quality: Quality = Quality.HIGH) -> None:
        if from_hz <= 0 or to_hz <= 0:
            raise AudioError(f"Audio cannot be resampled from {from_hz} to {to_hz} Hz.")
        self.from_hz = from_hz
        self.to_hz = to_hz
        self._stream: Any = None
        if from_hz != to_hz:
            # Not int16, which soxr dithers: the same audio would differ from run to run.
            self._stream = soxr.ResampleStream(from_hz, to_hz, 1, "float32", quality.value)
        self._finished = False

    def feed(self, pcm: Pcm) -> Pcm:
        """The samples that became ready; fewer than came in at first, while the filter fills."""
        return self._step(pcm, last=False)

    def finish(self) -> Pcm:
        """What the filter still holds. Nothing can be fed afterwards."""
        rest = self._step(EMPTY, last=True)
        self._finished = True
        return rest

    def _step(self, pcm: Pcm, *, last: bool) -> Pcm:
        if self._finished:
            raise AudioError("This resampler has finished; make a new one for new audio.")
        if self._stream is None:
            return pcm
        exact = self._stream.resample_chunk(pcm.astype(np.float32), last=last)
        return to_pcm(exact)


def resample(pcm: Pcm, from_hz: int, to_hz: int, quality: Quality = Quality.HIGH) -> Pcm:
    """A whole recording at another rate. Raises AudioError for rates that cannot be."""
    resampler = Resampler(from_hz, to_hz, quality)
    return np.concatenate((resampler.feed(pcm), resampler.finish()))
