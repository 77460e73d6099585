"""Levels, speech found by energy, silence trimmed, noise mixed in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.audio.level import (
    SILENT_DBFS,
    SpeechDetector,
    SpeechSettings,
    dbfs,
    dbfs_to_amplitude,
    rms,
    trim_silence,
)
from backend.audio.noise import line_noise, mix_at_snr, white_noise
from backend.audio.pcm import EMPTY, Pcm, to_pcm

RATE_HZ = 8000


def silence(seconds: float) -> Pcm:
    return np.zeros(round(seconds * RATE_HZ), dtype=np.int16)


def voice(seconds: float, level_dbfs: float = -20.0) -> Pcm:
    """Like speech to an energy detector: a tone that dips to silence four times a second."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    envelope = np.where(t * 4 % 1 < 0.8, 1.0, 0.02)
    tone = envelope * np.sin(2 * np.pi * 200 * t) * np.sqrt(2) * dbfs_to_amplitude(level_dbfs)
    return to_pcm(tone)


def hiss(seconds: float, level_dbfs: float) -> Pcm:
    return white_noise(round(seconds * RATE_HZ), level_dbfs, np.random.default_rng(7))


def detect(pcm: Pcm) -> SpeechDetector:
    detector = SpeechDetector(RATE_HZ)
    detector.feed(pcm)
    return detector


def test_levels() -> None:
    assert (rms(EMPTY), dbfs(EMPTY), dbfs(silence(1))) == (0.0, SILENT_DBFS, SILENT_DBFS)
    assert dbfs(np.full(100, -32768, dtype=np.int16)) == pytest.approx(0)
    assert dbfs(np.full(100, 3277, dtype=np.int16)) == pytest.approx(-20, abs=0.01)


def test_the_beginning_and_end_of_speech_are_found_to_a_frame() -> None:
    detector = detect(np.concatenate((silence(0.5), voice(0.45), silence(0.7))))
    assert detector.has_speech
    assert detector.voice_starts_at == pytest.approx(0.5 * RATE_HZ, abs=160)
    assert detector.voice_ends_at == pytest.approx(0.95 * RATE_HZ, abs=160)


def test_speech_from_the_very_first_sample_is_found() -> None:
    detector = detect(np.concatenate((voice(0.7), silence(0.3))))
    assert detector.voice_ends_at == pytest.approx(0.7 * RATE_HZ, abs=160)


@pytest.mark.parametrize("level_dbfs", [-38, -30, -20, -12])
def test_a_word_at_the_very_beginning_of_a_recording_is_found(level_dbfs: float) -> None:
    word = voice(0.2, level_dbfs)
    recording = np.concatenate((word, silence(1)))
    assert SpeechDetector(RATE_HZ).last_voiced_sample(recording) == pytest.approx(1600, abs=160)


@pytest.mark.parametrize("level_dbfs", [-60, -45, -35])
def test_steady_line_noise_is_not_speech(level_dbfs: float) -> None:
    assert not detect(hiss(10, level_dbfs)).has_speech


def test_noise_that_sets_in_during_the_call_is_soon_not_speech() -> None:
    detector = SpeechDetector(RATE_HZ)
    detector.feed(silence(1))
    flags = detector.feed(hiss(10, -38))
    assert not any(flags[-250:])


@pytest.mark.parametrize("snr_db", [10, 15, 20])
def test_the_end_of_speech_is_found_in_noise(snr_db: float) -> None:
    clean = np.concatenate((silence(1), voice(1.2), silence(1.2)))
    generator = np.random.default_rng(3)
    noisy = mix_at_snr(clean, line_noise(len(clean), RATE_HZ, -30, generator), snr_db, RATE_HZ)
    assert detect(noisy).voice_ends_at == pytest.approx(2.2 * RATE_HZ, abs=0.1 * RATE_HZ)


@pytest.mark.parametrize("length_s", [0.01, 0.03])
def test_clicks_are_not_speech_however_many(length_s: float) -> None:
    click = np.concatenate((voice(length_s, -10), silence(0.3)))
    assert not detect(np.tile(click, 20)).has_speech


def test_a_click_after_speech_does_not_move_its_end() -> None:
    detector = detect(np.concatenate((voice(0.7), silence(0.5), voice(0.02, -10), silence(0.3))))
    assert detector.voice_ends_at == pytest.approx(0.7 * RATE_HZ, abs=160)


def test_the_minimum_of_speech_is_a_setting() -> None:
    short = np.concatenate((silence(0.2), voice(0.1), silence(0.2)))
    assert not detect(short).has_speech
    assert detect(short).voice_ends_at is None
    lenient = SpeechDetector(RATE_HZ, SpeechSettings(minimum_speech_s=0.08))
    assert lenient.last_voiced_sample(short) == pytest.approx(0.3 * RATE_HZ, abs=160)


@given(st.lists(st.integers(0, 2 * RATE_HZ), max_size=10).map(sorted))
def test_any_split_gives_the_same_judgement(cuts: list[int]) -> None:
    pcm = np.concatenate((hiss(0.5, -50), voice(1), hiss(0.5, -50)))
    whole, parts = SpeechDetector(RATE_HZ), SpeechDetector(RATE_HZ)
    flags = whole.feed(pcm)
    assert [flag for part in np.split(pcm, cuts) for flag in parts.feed(part)] == flags
    assert parts.voice_starts_at == whole.voice_starts_at
    assert parts.voice_ends_at == whole.voice_ends_at


def test_silence_around_speech_is_trimmed_to_a_margin() -> None:
    trimmed = trim_silence(np.concatenate((silence(0.3), voice(0.45), silence(0.4))), RATE_HZ)
    assert len(trimmed) / RATE_HZ == pytest.approx(0.55, abs=0.02)


def test_trimming_leaves_close_speech_alone_and_nothing_of_silence() -> None:
    assert len(trim_silence(voice(0.45), RATE_HZ)) == len(voice(0.45))
    assert len(trim_silence(silence(1), RATE_HZ)) == 0
    assert len(trim_silence(EMPTY, RATE_HZ)) == 0


@pytest.mark.parametrize("snr_db", [0.0, 15.0])
def test_noise_is_mixed_in_at_the_ratio_asked_for(snr_db: float) -> None:
    speech, noise = hiss(2, -25), line_noise(RATE_HZ, RATE_HZ, -50, np.random.default_rng(1))
    added = mix_at_snr(speech, noise, snr_db, RATE_HZ).astype(int) - speech
    assert dbfs(speech) - dbfs(added.astype(np.int16)) == pytest.approx(snr_db, abs=0.3)


def test_noise_has_the_level_asked_for_and_is_the_same_for_the_same_seed() -> None:
    for seed in (5, 6):
        white = white_noise(8000, -40, np.random.default_rng(seed))
        line = line_noise(8000, RATE_HZ, -40, np.random.default_rng(seed))
        assert (dbfs(white), dbfs(line)) == pytest.approx((-40, -40), abs=0.1)
        assert np.array_equal(white, white_noise(8000, -40, np.random.default_rng(seed)))
        assert np.array_equal(line, line_noise(8000, RATE_HZ, -40, np.random.default_rng(seed)))
    assert len(white_noise(0, -40, np.random.default_rng(5))) == 0
    assert len(line_noise(0, RATE_HZ, -40, np.random.default_rng(5))) == 0


def test_silence_and_missing_noise_stay_as_they_are() -> None:
    assert not mix_at_snr(silence(0.1), hiss(0.1, -30), 10, RATE_HZ).any()
    assert np.array_equal(mix_at_snr(voice(0.1), EMPTY, 10, RATE_HZ), voice(0.1))
