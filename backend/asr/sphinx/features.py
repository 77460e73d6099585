"""What PocketSphinx listens to: cepstra of telephone speech, freed of noise as they arrive.

The arithmetic of its own front end (the model's `feat.params`: 25 mel filters from 130 to 6800 Hz,
13 cepstra, lifter 22) on the 8 kHz a telephone has, with what that lacks: noise is suppressed, the
cepstral mean is fitted to the caller while he speaks, and it is computed once for every search.

Measured with four flite voices on paraphrases, word errors with PocketSphinx's own front end and
with this one: a line at rest digitally silent 19 → 10%, line noise 40 dB under the voice 15 → 10%,
20 dB 39 → 15%, 12 dB 81 → 46%, a quiet caller (-33 dBFS) 33 → 10%.
"""

import numpy as np
from numpy.typing import NDArray

from backend.audio.pcm import Pcm

RATE_HZ = 8000
FRAMES_PER_S = 100
CEPSTRA = 13
_STEP = RATE_HZ // FRAMES_PER_S
_WINDOW = 205
"""25.6 ms."""
_FFT = 256
_FILTERS = 25
_LOWEST_HZ, _HIGHEST_HZ = 130.0, 6800.0
_EMPHASIS = 0.97
_LIFTER = 22
_LOG_FLOOR = 1e-4
_REST_RMS = 12.0
"""Noise taken to be on every line (-69 dBFS), in sample units: digital silence, which many lines
send between words, is like nothing the acoustic model was trained on."""
_TO_16_KHZ = 4.0
"""A window at 16 kHz holds twice the samples: four times the power of every spectral line."""

_MEAN_BEFORE = np.array([56.4, 6.6, -3.8, 10.6, -0.9, -4.5, 7.3, -7.7, 6.5, 2.6, -2.8, 9.9, -4.0])
"""Cepstral mean of telephone speech (four voices, four kinds of line): where the caller's own is
sought from, with the weight of so many frames:"""
_MEAN_WEIGHT = 100.0
_LOUD_QUANTILE, _LOUD = 0.9, 79.0
"""That quantile of the first cepstrum, which is loudness, and what it is in the speech the mean is
from (-20 dBFS): a word from a loud caller is too short for the mean to follow."""
_FIRST_FRAMES = 60
"""Held back, so that the first syllable already knows something of the caller's mean."""
_BLOCK_FRAMES = 10
"""From then on. Mean and noise are fitted anew with each."""

_NOISE_MEMORY = 300
"""Frames in which a quieter moment is sought: 3 s, within which everybody breathes."""
_NOISE_QUANTILE, _NOISE_FACTOR = 0.1, 1.4
"""A filter's noise is its lowest tenth, raised towards the mean."""
_SPEECH_QUANTILE = 0.9
_SMOOTHING = 0.7
"""Weight of the last frame in the signal-to-noise ratio a priori (Ephraim and Malah, 1984): less
than the usual 0.98, since the mel filters have smoothed already and onsets are what words have."""
_LEAST_GAIN = 0.1
_NOISY_DB, _CLEAN_DB = 22.0, 32.0
"""Speech over noise at which suppression is whole, and at which it would only do harm."""

Matrix = NDArray[np.float64]


def _mel(hz: float) -> float:
    return float(2595 * np.log10(1 + hz / 700))


def _hz(mel: float) -> float:
    return float(700 * (10 ** (mel / 2595) - 1))


def _filter_bank() -> Matrix:
    """Triangles of unit area, their corners on spectral lines; those above 4 kHz stay empty."""
    line_hz = RATE_HZ / _FFT
    lines = np.arange(_FFT // 2 + 1) * line_hz
    width = (_mel(_HIGHEST_HZ) - _mel(_LOWEST_HZ)) / (_FILTERS + 1)
    corners = [_hz(_mel(_LOWEST_HZ) + place * width) for place in range(_FILTERS + 2)]
    corners = [round(hz / line_hz) * line_hz for hz in corners]
    bank = np.zeros((len(lines), _FILTERS))
    for place, (low, middle, high) in enumerate(
        zip(corners, corners[1:], corners[2:], strict=False)
    ):
        slopes = np.minimum((lines - low) / (middle - low), (high - lines) / (high - middle))
        bank[:, place] = np.maximum(slopes, 0) * 2 / (high - low)
    return bank


def _cosines() -> Matrix:
    """Orthonormal DCT-II of the log filters, with the lifter's weights."""
    rows, columns = np.arange(_FILTERS)[:, None] + 0.5, np.arange(CEPSTRA)[None]
    transform = np.sqrt(2 / _FILTERS) * np.cos(np.pi * rows * columns / _FILTERS)
    transform[:, 0] *= np.sqrt(0.5)
    lifter = 1 + _LIFTER / 2 * np.sin(np.arange(CEPSTRA) * np.pi / _LIFTER)
    return np.asarray(transform * lifter, dtype=np.float64)


_BANK = _filter_bank() * _TO_16_KHZ
_HEARD = np.arange(18)
"""Filters that lie in the telephone's band, which ends at 3400 Hz (ITU-T G.712)."""
_HIGHER = np.array([19, 20])
"""Those up to 4 kHz, which many lines send as well,"""
_NARROW_DB = -15.0
"""unless the lower of them is as much below the highest of the band. Measured with four voices:
-2 to -9 dB on a line of the whole 4 kHz, -19 to -25 dB on one of 3400 Hz."""
_COSINES = _cosines()
_HAMMING = np.hamming(_WINDOW)


def _rest_powers() -> Matrix:
    """What white noise of that level gives in each filter, on average."""
    turns = np.arange(_FFT // 2 + 1) / _FFT
    emphasis = np.abs(1 - _EMPHASIS * np.exp(-2j * np.pi * turns)) ** 2
    spectrum = _REST_RMS**2 * np.sum(_HAMMING**2) * emphasis
    return np.asarray(spectrum @ _BANK)


_REST = _rest_powers()


def _quantile(values: Matrix, share: float) -> Matrix:
    """`np.quantile` of each column, to the last bit; itself, it would spend ten times the sorting
    on its arguments."""
    place = (len(values) - 1) * share
    low = int(place)
    high = min(low + 1, len(values) - 1)
    ordered = np.partition(values, (low, high), axis=0)
    below, above, way = ordered[low], ordered[high], place - low
    if way < 0.5:
        return np.asarray(below + (above - below) * way)
    return np.asarray(above - (above - below) * (1 - way))


def _extended(logs: Matrix, *, is_narrow: bool) -> Matrix:
    """With the filters the line does not fill as loud as the highest it does: an "s" is loud up
    there, a vowel is not, and both are much the same just below."""
    highest = _HEARD[-1:] if is_narrow else _HIGHER
    logs[:, highest[-1] + 1 :] = logs[:, highest].mean(axis=1, keepdims=True)
    return logs


def _is_narrow(powers: Matrix) -> bool:
    """Whether a line's speech ends at 3400 Hz."""
    band, above = _quantile(powers[:, [_HEARD[-1], _HIGHER[0]]], _SPEECH_QUANTILE)
    return bool(10 * np.log10(above / band) < _NARROW_DB)


class CepstralStream:
    """One utterance: samples in, `float32` rows of 13 cepstra out, 100 a second.

    The rows are the same however the samples are cut into pieces: a busy machine hears no worse.
    """

    def __init__(self) -> None:
        self._samples = np.zeros(0)
        self._last_sample: float | None = None
        self._noise = _NoiseSuppressor()
        self._held = np.zeros((0, _FILTERS))
        self._block = _FIRST_FRAMES
        """How many frames make the next rows."""
        self._sum = _MEAN_BEFORE * _MEAN_WEIGHT
        self._weight = _MEAN_WEIGHT
        self._loudness = np.zeros(0)

    def feed(self, pcm: Pcm) -> NDArray[np.float32]:
        """The rows that became ready; none until 0.6 s have come."""
        self._held = np.concatenate((self._held, self._powers(pcm)))
        rows = []
        while len(self._held) >= self._block:
            rows.append(self._release(self._block))
            self._block = _BLOCK_FRAMES
        return np.concatenate(rows) if rows else np.zeros((0, CEPSTRA), dtype=np.float32)

    def finish(self) -> NDArray[np.float32]:
        """What was held back."""
        return self._release(len(self._held))

    def _release(self, frames: int) -> NDArray[np.float32]:
        powers, self._held = self._held[:frames], self._held[frames:]
        if not len(powers):
            return np.zeros((0, CEPSTRA), dtype=np.float32)
        logs = np.log(self._noise.suppress(powers) + _LOG_FLOOR)
        cepstra = _extended(logs, is_narrow=_is_narrow(self._noise.memory)) @ _COSINES
        self._loudness = np.concatenate((self._loudness, cepstra[:, 0]))[-_NOISE_MEMORY:]
        cepstra[:, 0] += _LOUD - _quantile(self._loudness, _LOUD_QUANTILE)
        # One mean a block: within one it would drift under the words.
        self._sum = self._sum + cepstra.sum(axis=0)
        self._weight += len(cepstra)
        return np.ascontiguousarray(cepstra - self._sum / self._weight, dtype=np.float32)

    def _powers(self, pcm: Pcm) -> Matrix:
        """Power in each mel filter, of the frames that became whole."""
        if not len(pcm):
            return np.zeros((0, _FILTERS))
        before = float(pcm[0]) if self._last_sample is None else self._last_sample
        shifted = np.concatenate(([before], pcm[:-1]))
        self._last_sample = float(pcm[-1])
        samples = np.concatenate((self._samples, pcm - _EMPHASIS * shifted))
        count = max(0, 1 + (len(samples) - _WINDOW) // _STEP)
        self._samples = samples[count * _STEP :]
        if not count:
            return np.zeros((0, _FILTERS))
        size = samples.itemsize
        frames: Matrix = np.ndarray((count, _WINDOW), float, samples, 0, (_STEP * size, size))
        spectrum = np.fft.rfft(frames * _HAMMING, _FFT)
        return np.asarray((spectrum.real**2 + spectrum.imag**2) @ _BANK + _REST)


class _NoiseSuppressor:
    """A Wiener filter in the mel domain, after the noise of the last seconds."""

    def __init__(self) -> None:
        self.memory = np.zeros((0, _FILTERS))
        self._noise = np.ones(_FILTERS)
        self._share = 0.0
        self._clean_before = np.zeros(_FILTERS)

    def suppress(self, powers: Matrix) -> Matrix:
        """A block of frames; its quietest moment may be its last."""
        self.memory = np.concatenate((self.memory, powers))[-_NOISE_MEMORY:]
        self._listen(self.memory)
        return powers * self._gains(powers)

    def _listen(self, recent: Matrix) -> None:
        self._noise = _quantile(recent, _NOISE_QUANTILE) * _NOISE_FACTOR + 1e-9
        totals = recent[:, _HEARD].sum(axis=1)
        ratio = _quantile(totals, _SPEECH_QUANTILE) / self._noise[_HEARD].sum()
        ratio_db = 10 * np.log10(max(float(ratio), 1e-9))
        share = float((_CLEAN_DB - ratio_db) / (_CLEAN_DB - _NOISY_DB))
        self._share = min(1.0, max(0.0, share))

    def _gains(self, powers: Matrix) -> Matrix:
        over_noise = powers / self._noise
        fresh = (1 - _SMOOTHING) * np.maximum(over_noise - 1, 0)
        gains = np.empty_like(powers)
        for gain, power, new in zip(gains, over_noise, fresh, strict=True):
            expected = _SMOOTHING * self._clean_before + new
            np.maximum(expected / (1 + expected), _LEAST_GAIN, out=gain)
            self._clean_before = gain * gain * power
        padded = np.concatenate((gains[:, :1], gains, gains[:, -1:]), axis=1)
        smooth = (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3
        return np.asarray(smooth**self._share)
