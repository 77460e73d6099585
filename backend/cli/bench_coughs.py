"""Sounds a bot must not mistake for words: coughs, made up from noise, and "mhm"s."""

import numpy as np
from numpy.typing import NDArray

from backend.audio.level import dbfs_to_amplitude
from backend.audio.pcm import Pcm, to_pcm
from backend.cli.caller_voice import RATE_HZ

CONDITION = "synthesised: bursts of noise shaped by four formants, 150-350 ms"
BACKCHANNELS = ("mm hmm", "okay", "uh huh")
"""Said by the caller's own voice."""

_LEAST_S, _LONGEST_S = 0.15, 0.35
_FORMANTS_HZ = (600.0, 1500.0, 2500.0, 3300.0)
"""Of an open, unrounded vocal tract, where a cough sounds; each cough strays from them."""
_BANDWIDTH_HZ = 350.0
_BURST_SHARE = 0.3
"""Of the length: the explosion as the glottis opens, louder than what follows."""
_ATTACK_S = 0.006
_PEAK_DBFS = -16.0
"""Loudest stretch: as loud as the voice, as people do not turn away for a machine."""


def cough(generator: np.random.Generator) -> Pcm:
    """One cough at 8 kHz: explosion, hissing middle, and often a short voiced end."""
    samples = round(generator.uniform(_LEAST_S, _LONGEST_S) * RATE_HZ)
    hiss = _through_throat(generator.standard_normal(samples), generator)
    if generator.random() < 0.5:
        hiss += 0.5 * _through_throat(_glottis(samples, generator), generator) * _end(samples)
    shaped = hiss * _envelope(samples)
    loudest = np.sqrt(np.max(np.convolve(shaped**2, np.ones(160) / 160, mode="same")))
    return to_pcm(shaped * (dbfs_to_amplitude(_PEAK_DBFS) / max(float(loudest), 1e-9)))


def _through_throat(
    source: NDArray[np.float64], generator: np.random.Generator
) -> NDArray[np.float64]:
    """The source with the formants' resonances, at an RMS of one."""
    frequencies = np.fft.rfftfreq(len(source), 1 / RATE_HZ)
    gain = np.full(len(frequencies), 0.1)
    for formant_hz in _FORMANTS_HZ:
        centre_hz = formant_hz * generator.uniform(0.85, 1.15)
        gain += 1 / (1 + ((frequencies - centre_hz) / (_BANDWIDTH_HZ / 2)) ** 2)
    sound = np.fft.irfft(np.fft.rfft(source) * gain, len(source))
    return np.asarray(sound / max(float(np.std(sound)), 1e-9), dtype=np.float64)


def _glottis(samples: int, generator: np.random.Generator) -> NDArray[np.float64]:
    pulses = np.zeros(samples)
    pulses[:: round(RATE_HZ / generator.uniform(100, 220))] = 1.0
    return pulses


def _end(samples: int) -> NDArray[np.float64]:
    """Where the voiced end sounds: the last third, swelling."""
    return np.clip((np.arange(samples) / samples - 0.65) / 0.1, 0, 1)


def _envelope(samples: int) -> NDArray[np.float64]:
    t = np.arange(samples) / samples
    attack = np.clip(np.arange(samples) / (_ATTACK_S * RATE_HZ), 0, 1)
    explosion = np.exp(-t / (_BURST_SHARE / 2))
    middle = 0.35 * np.exp(-(((t - 0.55) / 0.35) ** 2))
    fade = np.clip((1 - t) / 0.1, 0, 1)
    return np.asarray(attack * (explosion + middle) * fade, dtype=np.float64)
