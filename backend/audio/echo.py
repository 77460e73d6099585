"""Is what we hear our own voice coming back, from a hybrid or a loudspeaker telephone?"""

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.audio.pcm import Pcm


@dataclass(frozen=True, slots=True)
class EchoSettings:
    """What counts as echo."""

    longest_delay_s: float = 0.3
    """How late it may be: the round trip through a mobile network and a jitter buffer."""
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
    heard_s: float = 0.128
    """Length that `is_echo` wants: with less, any two vowels of the same pitch look alike."""


class EchoJudge:
    """Knows what one caller was played lately. Both sides at one rate and on one clock."""

    def __init__(self, rate_hz: int = 8000, settings: EchoSettings | None = None) -> None:
        self.settings = settings or EchoSettings()
        self._rate_hz = rate_hz
        self._played: deque[tuple[float, Pcm]] = deque()
        self._lags = round(self.settings.longest_delay_s * rate_hz)

    def play(self, pcm: Pcm, starts_at_s: float, now_s: float) -> None:
        """The caller is played this from then on, which may be later than now: a burst. Call it
        in the order of playing."""
        self._forget_before(now_s)
        self._played.append((starts_at_s, pcm))

    def flush(self, at_s: float) -> None:
        """What would have been played after `at_s` is not."""
        kept = [
            (starts_at_s, pcm[: max(0, round((at_s - starts_at_s) * self._rate_hz))])
            for starts_at_s, pcm in self._played
        ]
        self._played = deque((start, pcm) for start, pcm in kept if len(pcm))

    def is_echo(self, heard: Pcm, ended_at_s: float) -> bool:
        """Whether `heard` (the last `EchoSettings.heard_s`) is what was played shortly before.

        Takes 0.1 ms when the level leaves it open, else next to nothing.
        """
        self._forget_before(ended_at_s - len(heard) / self._rate_hz)
        if not self._played or not len(heard):
            return False
        played = self._played_until(ended_at_s, self._lags + len(heard))
        energy = _moving_energy(played, len(heard))
        mine = max(1.0, float(np.sum(heard.astype(np.float64) ** 2)))
        loss_db = 10 * np.log10(np.maximum(energy, 1.0) / mine)
        possible = loss_db >= self.settings.loss_db
        if not possible.any():
            return False
        products = _correlation(played, heard)[possible]
        likeness = np.abs(products) / np.sqrt(energy[possible] * mine)
        return bool((likeness >= self._similarity(loss_db[possible])).any())

    def _similarity(self, loss_db: NDArray[np.float64]) -> NDArray[np.float64]:
        s = self.settings
        losses_db, similarities = (s.loss_db, s.faint_loss_db), (s.similarity, s.faint_similarity)
        wanted: NDArray[np.float64] = np.interp(loss_db, losses_db, similarities)
        return wanted

    def _played_until(self, ended_at_s: float, samples: int) -> NDArray[np.float32]:
        span = np.zeros(samples, dtype=np.float32)
        for starts_at_s, pcm in self._played:
            at = samples - round((ended_at_s - starts_at_s) * self._rate_hz)
            first, last = max(0, at), min(samples, at + len(pcm))
            if first < last:
                span[first:last] = pcm[first - at : last - at]
        return span

    def _forget_before(self, at_s: float) -> None:
        oldest_s = at_s - self.settings.longest_delay_s
        while self._played:
            starts_at_s, pcm = self._played[0]
            if starts_at_s + len(pcm) / self._rate_hz > oldest_s:
                return
            self._played.popleft()


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
