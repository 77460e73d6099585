"""Noise to test with: white, and what a telephone line hums; mixed in at a given ratio."""

import numpy as np

from backend.audio.level import amplitude_to_dbfs, dbfs_to_amplitude
from backend.audio.pcm import EMPTY, Pcm, to_pcm

MAINS_HZ = 50.0
_HUM_SHARE = 0.3
"""Amplitude of the mains hum against the hiss: audible, not dominant."""
_FRAME_S = 0.02


def white_noise(samples: int, level_dbfs: float, generator: np.random.Generator) -> Pcm:
    """Gaussian noise of this RMS level."""
    return _at_level(generator.standard_normal(samples), level_dbfs)


def line_noise(
    samples: int, rate_hz: int, level_dbfs: float, generator: np.random.Generator
) -> Pcm:
    """Hiss that falls by 3 dB an octave, and mains hum with its odd harmonics."""
    if samples == 0:
        return EMPTY
    spectrum = np.fft.rfft(generator.standard_normal(samples))
    frequencies = np.fft.rfftfreq(samples, 1 / rate_hz)
    # Under 20 Hz nothing passes a telephone line; dividing by zero neither.
    hiss = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequencies, 20.0)), samples)
    hiss /= max(float(np.std(hiss)), 1e-12)
    t = np.arange(samples) / rate_hz
    hum = sum(np.sin(2 * np.pi * MAINS_HZ * k * t) / k for k in (1, 3, 5))
    return _at_level(hiss + _HUM_SHARE * hum, level_dbfs)


def mix_at_snr(speech: Pcm, noise: Pcm, snr_db: float, rate_hz: int) -> Pcm:
    """Speech with noise this many decibels under it; the noise is repeated or cut to fit.

    The speech's level is that of its loud frames (within 20 dB of the loudest), so that pauses
    do not count. Silence and an empty noise are returned as they are.
    """
    signal, disturbance = _active_rms(speech, rate_hz), _plain_rms(noise)
    if signal == 0 or disturbance == 0:
        return speech.copy()
    fitted = np.resize(noise, len(speech)).astype(np.float64)
    scaled = fitted * (signal / disturbance * 10 ** (-snr_db / 20))
    return to_pcm(speech + scaled)


def active_dbfs(speech: Pcm, rate_hz: int) -> float:
    """Level of the loud frames of speech, as `mix_at_snr` takes it."""
    return amplitude_to_dbfs(_active_rms(speech, rate_hz))


def _active_rms(pcm: Pcm, rate_hz: int) -> float:
    frame = max(1, round(_FRAME_S * rate_hz))
    whole = pcm[: len(pcm) - len(pcm) % frame].astype(np.float64)
    if not len(whole):
        return _plain_rms(pcm)
    powers = np.mean(whole.reshape(-1, frame) ** 2, axis=1)
    return float(np.sqrt(np.mean(powers[powers >= powers.max() / 100])))


def _plain_rms(pcm: Pcm) -> float:
    return float(np.sqrt(np.mean(pcm.astype(np.float64) ** 2))) if len(pcm) else 0.0


def _at_level(shape: np.ndarray[tuple[int], np.dtype[np.float64]], level_dbfs: float) -> Pcm:
    power = float(np.mean(shape**2)) if len(shape) else 0.0
    if power == 0:
        return np.zeros(len(shape), dtype=np.int16)
    return to_pcm(shape * (dbfs_to_amplitude(level_dbfs) / np.sqrt(power)))
