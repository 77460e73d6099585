"""Resampling: chunk borders leave no trace, tones keep their pitch and level."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.audio.level import rms
from backend.audio.resample import Quality, Resampler, resample
from backend.core.errors import AudioError

SPEECHLIKE = np.random.default_rng(1).normal(0, 8000, 4000).clip(-32768, 32767).astype(np.int16)
rates = st.sampled_from([(8000, 16000), (16000, 8000), (22050, 8000), (8000, 8000), (8000, 48000)])


@given(
    rates,
    st.sampled_from(list(Quality)),
    st.lists(st.integers(0, len(SPEECHLIKE)), max_size=12).map(sorted),
)
def test_any_split_gives_the_same_samples(
    pair: tuple[int, int], quality: Quality, cuts: list[int]
) -> None:
    resampler = Resampler(*pair, quality)
    parts = [resampler.feed(part) for part in np.split(SPEECHLIKE, cuts)]
    parts.append(resampler.finish())
    assert np.array_equal(np.concatenate(parts), resample(SPEECHLIKE, *pair, quality))


@given(rates, st.integers(0, 3000))
def test_the_length_follows_the_rates(pair: tuple[int, int], length: int) -> None:
    result = resample(SPEECHLIKE[:length], *pair)
    assert len(result) == pytest.approx(length * pair[1] / pair[0], abs=1)


def test_a_tone_keeps_its_pitch_and_level() -> None:
    t = np.arange(8000) / 8000
    tone = (10_000 * np.sin(2 * np.pi * 1000 * t)).astype(np.int16)
    up = resample(tone, 8000, 16000)
    spectrum = np.abs(np.fft.rfft(up))
    assert np.argmax(spectrum) * 16000 / len(up) == pytest.approx(1000, abs=2)
    assert rms(up) == pytest.approx(rms(tone), rel=0.01)


def test_what_does_not_fit_the_lower_rate_is_filtered_out() -> None:
    t = np.arange(16000) / 16000
    whistle = (10_000 * np.sin(2 * np.pi * 6000 * t)).astype(np.int16)
    assert rms(resample(whistle, 16000, 8000)) < 50


def test_full_scale_is_limited_not_wrapped() -> None:
    square = np.tile(np.repeat(np.array([32767, -32768], dtype=np.int16), 40), 50)
    up = resample(square, 8000, 16000)
    # Overshoot that wrapped would turn a peak into its opposite within one sample.
    assert np.max(np.abs(np.diff(up.astype(int)))) < 60_000


def test_low_latency_holds_back_less_than_a_millisecond() -> None:
    resampler = Resampler(8000, 16000, Quality.LOW_LATENCY)
    given_back = sum(len(resampler.feed(part)) for part in np.split(SPEECHLIKE, 40))
    assert len(SPEECHLIKE) / 8000 - given_back / 16000 < 0.001


@pytest.mark.parametrize("pair", [(0, 8000), (8000, -1)])
def test_impossible_rates_are_refused(pair: tuple[int, int]) -> None:
    with pytest.raises(AudioError, match="cannot be resampled"):
        Resampler(*pair)


def test_a_finished_resampler_takes_no_more() -> None:
    resampler = Resampler(8000, 16000)
    resampler.finish()
    with pytest.raises(AudioError, match="finished"):
        resampler.feed(SPEECHLIKE)
