"""The cepstra PocketSphinx listens to: their number, and what must leave no trace in them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from backend.asr.sphinx import features
from backend.asr.sphinx.features import CEPSTRA, RATE_HZ, CepstralStream
from backend.audio.noise import white_noise
from backend.audio.pcm import Pcm, to_pcm

WINDOW_S = 0.0256


def cepstra(pcm: Pcm, chunk: int = RATE_HZ // 5) -> NDArray[np.float32]:
    stream = CepstralStream()
    rows = [stream.feed(pcm[start : start + chunk]) for start in range(0, len(pcm), chunk)]
    return np.concatenate([*rows, stream.finish()], axis=0)


def vowel(seconds: float, amplitude: float = 3000.0) -> Pcm:
    """A buzz of 120 Hz that comes and goes four times a second, with two formants."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    formants = [1 / (1 + min(abs(120 * k - 600), abs(120 * k - 1700)) / 200) for k in range(1, 28)]
    voice = sum(loud * np.sin(2 * np.pi * 120 * k * t) for k, loud in enumerate(formants, 1))
    return to_pcm(amplitude / 4 * voice * (np.sin(2 * np.pi * 2 * t) ** 2))


def apart(some: NDArray[np.float32], others: NDArray[np.float32]) -> float:
    """Root mean square distance of two sequences of cepstra."""
    return float(np.sqrt(np.mean((some - others) ** 2)))


def test_there_are_a_hundred_rows_a_second() -> None:
    assert cepstra(vowel(2.0)).shape == (198, CEPSTRA)


@given(st.lists(st.integers(0, 3000), max_size=12))
def test_any_split_of_the_audio_gives_the_same_rows(lengths: list[int]) -> None:
    pcm = vowel(sum(lengths) / RATE_HZ)[: sum(lengths)]
    stream, rows, start = CepstralStream(), [], 0
    for length in lengths:
        rows.append(stream.feed(pcm[start : start + length]))
        start += length
    split = np.concatenate([*rows, stream.finish()])
    assert split.tolist() == cepstra(pcm, max(1, len(pcm))).tolist()


@pytest.mark.parametrize("seconds", [0.0, 0.01, WINDOW_S, 0.3])
def test_the_shortest_utterances_come_out_at_the_end(seconds: float) -> None:
    pcm = vowel(seconds)
    stream = CepstralStream()
    assert len(stream.feed(pcm)) == 0
    assert len(stream.finish()) == max(0, 1 + (len(pcm) - 205) // 80)


def test_digital_silence_and_full_scale_stay_finite() -> None:
    loudest = np.resize(np.array([32767, -32768], dtype=np.int16), RATE_HZ)
    pcm = np.concatenate((np.zeros(RATE_HZ, dtype=np.int16), loudest, loudest * 0))
    assert np.isfinite(cepstra(pcm)).all()


def test_after_three_seconds_a_quiet_caller_sounds_much_like_a_loud_one() -> None:
    loud, quiet = cepstra(vowel(3.0, 8000.0)), cepstra(vowel(3.0, 1600.0))
    unfitted = 5 * np.log(5.0**2)  # the first cepstrum is the root of 25 filters times their mean
    assert abs(float(np.mean(loud[100:, 0] - quiet[100:, 0]))) < unfitted / 3


def test_steady_noise_is_taken_out_of_the_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = np.zeros(RATE_HZ // 2, dtype=np.int16)
    speech = np.concatenate((rest, vowel(1.0), rest, vowel(1.0), rest))
    noise = white_noise(len(speech), -42.0, np.random.default_rng(3))
    noisy = to_pcm(speech.astype(np.float64) + noise)

    def depth() -> float:
        """Of the pause between the vowels under the first of them."""
        rows = cepstra(noisy)
        return float(np.mean(rows[60:140, 0]) - np.mean(rows[160:190, 0]))

    suppressed = depth()
    monkeypatch.setattr(features, "_LEAST_GAIN", 1.0)
    assert suppressed > 1.3 * depth()


@pytest.mark.parametrize("count", [1, 2, 6, 7, 60, 299])
@pytest.mark.parametrize("share", [0.1, 0.9])
def test_a_quantile_is_what_numpy_makes_of_it(count: int, share: float) -> None:
    values = np.random.default_rng(count).random((count, 3))
    expected = np.quantile(values, share, axis=0)
    assert features._quantile(values, share).tolist() == expected.tolist()
    assert features._quantile(values[:, 0], share) == expected[0]


def test_the_same_utterance_gives_the_same_cepstra() -> None:
    assert apart(cepstra(vowel(2.0)), cepstra(vowel(2.0))) == 0.0
