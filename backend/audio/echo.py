"""Is what we hear our own voice coming back, from a hybrid or a loudspeaker telephone?"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.audio.pcm import Pcm


@dataclass(frozen=True, slots=True)
class EchoSettings:
    """What counts as echo."""

    loss_db: float = 9.0
    """At least this much quieter than what we played. Hybrids lose 12 dB and more; a caller is
    about as loud as we are."""
    similarity: float = 0.6
    """Normalised cross-correlation from which 128 ms are the same sound. Speech of somebody else
    with a voice like ours comes that near in 3% of cases."""
    faint_loss_db: float = 16.0
    """What is this much quieter than we are is rarely anything but echo, and"""
    faint_similarity: float = 0.4
    """this likeness is enough: a room that rings for 50 ms leaves no more of it."""


HEARD_S = 0.128
"""How much of the caller's audio `is_echo` wants: with less, any two vowels of one pitch look
alike."""
PLAYED_S = HEARD_S + 0.3
"""How much of ours it wants: echoes come up to 300 ms late, after a mobile network's round trip
and a jitter buffer."""


def is_echo(heard: Pcm, played: Pcm, settings: EchoSettings | None = None) -> bool:
    """Whether `heard` is `played` coming back: both end now, at one rate, of 8 kHz.

    Takes 0.1 ms when the levels leave it open, else a third of it.
    """
    s = settings or EchoSettings()
    if not len(heard):
        return False
    ours = _at_least(played, len(heard)).astype(np.float32)
    energy = _moving_energy(ours, len(heard))
    mine = max(1.0, float(np.sum(heard.astype(np.float64) ** 2)))
    loss_db = 10 * np.log10(np.maximum(energy, 1.0) / mine)
    possible = loss_db >= s.loss_db
    if not possible.any():
        return False
    likeness = np.abs(_correlation(ours, heard)[possible]) / np.sqrt(energy[possible] * mine)
    losses_db, similarities = (s.loss_db, s.faint_loss_db), (s.similarity, s.faint_similarity)
    return bool((likeness >= np.interp(loss_db[possible], losses_db, similarities)).any())


def _at_least(played: Pcm, samples: int) -> Pcm:
    """Nothing was played before the beginning."""
    return np.concatenate((np.zeros(max(0, samples - len(played)), dtype=np.int16), played))


def _moving_energy(signal: NDArray[np.float32], length: int) -> NDArray[np.float64]:
    """Sum of squares of every stretch of `length` samples."""
    sums = np.concatenate(([0.0], np.cumsum(signal.astype(np.float64) ** 2)))
    energy: NDArray[np.float64] = sums[length:] - sums[:-length]
    return energy


def _correlation(signal: NDArray[np.float32], heard: Pcm) -> NDArray[np.float64]:
    """Inner product of `heard` with every stretch of its length; what wraps around is cut off."""
    size = 1 << (len(signal) - 1).bit_length()
    spectrum = np.fft.rfft(signal, size) * np.conj(np.fft.rfft(heard.astype(np.float32), size))
    products: NDArray[np.float64] = np.fft.irfft(spectrum, size).astype(np.float64)
    return products[: len(signal) - len(heard) + 1]
