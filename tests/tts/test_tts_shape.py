"""Rate and silence of what engines return."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.audio.pcm import EMPTY, Pcm
from backend.audio.riff import wav_header
from backend.core.errors import EngineError
from backend.tts.program import speech_in
from backend.tts.shape import LEAD_KEPT_S, TAIL_KEPT_S, Shaper, shaped


def tone(length_s: float, rate_hz: int = 16000) -> Pcm:
    time_s = np.arange(round(length_s * rate_hz)) / rate_hz
    return (8000 * np.sin(2 * np.pi * 440 * time_s)).astype(np.int16)


def silence(length_s: float, rate_hz: int = 16000) -> Pcm:
    return np.zeros(round(length_s * rate_hz), dtype=np.int16)


def test_silence_at_the_ends_is_cut_and_inside_it_stays() -> None:
    said = np.concatenate([silence(0.25), tone(0.5), silence(0.3), tone(0.5), silence(1.0)])
    kept_s = len(shaped(said, 16000, 8000)) / 8000
    assert kept_s == pytest.approx(LEAD_KEPT_S + 1.3 + TAIL_KEPT_S, abs=0.025)


def test_sound_from_the_first_sample_to_the_last_is_untouched() -> None:
    said = tone(0.5)
    assert np.array_equal(shaped(said, 16000, 16000), said)


def test_pure_silence_becomes_nothing() -> None:
    assert len(shaped(silence(1.0), 22050, 8000)) == 0
    assert len(shaped(EMPTY, 22050, 8000)) == 0


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(min_value=0, max_value=9000), max_size=6),
    st.sampled_from([8000, 16000, 22050]),
    st.floats(min_value=0, max_value=0.3),
    st.floats(min_value=0, max_value=0.3),
)
def test_chunks_of_any_size_give_the_same_audio(
    cuts: list[int], from_hz: int, lead_s: float, tail_s: float
) -> None:
    said = np.concatenate([silence(lead_s, from_hz), tone(0.3, from_hz), silence(tail_s, from_hz)])
    whole = shaped(said, from_hz, 8000)
    shaper = Shaper(from_hz, 8000)
    parts = [shaper.feed(part) for part in np.split(said, sorted(cuts))]
    assert np.array_equal(np.concatenate([*parts, shaper.finish()]), whole)


def test_a_streamed_wav_that_claims_two_gigabytes_is_read_as_far_as_it_goes() -> None:
    data = wav_header(22050, 1, 0x7FFFF000) + tone(0.1, 22050).tobytes() + b"\x01"
    assert len(speech_in(data, 22050)) == 2205


@pytest.mark.parametrize(
    "data", [b"", b"RIFF", b"flite: no such voice", wav_header(8000, 2, 4) + b"\0\0\0\0"]
)
def test_what_is_no_mono_wav_is_refused(data: bytes) -> None:
    with pytest.raises(EngineError):
        speech_in(data, 8000)
