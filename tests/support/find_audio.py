"""Where a known prompt occurs in what was heard."""

import numpy as np

from backend.audio.pcm import Pcm

ALIKE = 0.8
"""Correlation of a prompt with itself after mu-law; different speech stays under 0.3."""


def where_is(needle: Pcm, heard: Pcm, rate_hz: int) -> float | None:
    """Seconds into `heard` at which `needle` begins, by normalised cross-correlation; else None."""
    if len(heard) < len(needle):
        return None
    pattern, signal = needle.astype(float), heard.astype(float)
    size = len(signal) + len(pattern)
    product = np.fft.irfft(np.fft.rfft(signal, size) * np.conj(np.fft.rfft(pattern, size)), size)
    starts = len(signal) - len(pattern) + 1
    squares = np.concatenate(([0.0], np.cumsum(signal**2)))
    energy = squares[len(pattern) :] - squares[:starts]
    likeness = product[:starts] / np.sqrt(np.maximum(energy, 1.0) * np.sum(pattern**2))
    best = int(np.argmax(likeness))
    return best / rate_hz if likeness[best] >= ALIKE else None
