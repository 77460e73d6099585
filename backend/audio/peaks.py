"""How loud a recording is over time: what a waveform is drawn from."""

from pathlib import Path

import numpy as np

from backend.audio.wav import read_wav_channels


def peaks(path: Path, buckets: int) -> tuple[list[list[int]], float]:
    """The loudest sample of each of `buckets` equal spans, per channel, and the seconds in all.

    Loudness is 0–100, the square root of the amplitude: quiet speech is seen as well. A recording
    shorter than `buckets` samples has fewer. Raises AudioError.
    """
    samples, rate_hz = read_wav_channels(path)
    frames, channels = samples.shape
    if not frames:
        return [[] for _ in range(channels)], 0.0
    starts = np.unique(np.linspace(0, frames, num=buckets, endpoint=False, dtype=np.int64))
    # Two passes over int16 instead of abs(), which would wrap at -32768.
    highest = np.maximum.reduceat(samples, starts, axis=0).astype(np.int32)
    lowest = np.minimum.reduceat(samples, starts, axis=0).astype(np.int32)
    loudest = np.maximum(highest, -lowest) / 32768
    return np.rint(np.sqrt(loudest) * 100).astype(int).T.tolist(), frames / rate_hz
