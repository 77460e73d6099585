"""What a waveform is drawn from."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.audio.peaks import peaks
from backend.audio.wav import write_wav
from backend.core.errors import AudioError


def test_both_sides_are_loud_where_they_speak(tmp_path: Path) -> None:
    pcm = np.zeros((8000, 2), dtype=np.int16)
    pcm[:4000, 0] = 8192
    pcm[4000:, 1] = -32768
    write_wav(tmp_path / "call.wav", pcm, 8000)
    (caller, bot), seconds = peaks(tmp_path / "call.wav", 10)
    assert caller == [50] * 5 + [0] * 5
    assert bot == [0] * 5 + [100] * 5
    assert seconds == 1.0


@given(frames=st.integers(0, 50), buckets=st.integers(1, 40))
def test_there_are_as_many_as_asked_for_or_as_there_are_samples(
    tmp_path_factory: pytest.TempPathFactory, frames: int, buckets: int
) -> None:
    path = tmp_path_factory.mktemp("peaks") / "call.wav"
    write_wav(path, np.full((frames, 2), 100, dtype=np.int16), 8000)
    (caller, bot), _ = peaks(path, buckets)
    assert len(caller) == len(bot) == min(frames, buckets)


def test_a_damaged_recording_says_so(tmp_path: Path) -> None:
    (tmp_path / "call.wav").write_bytes(b"RIFF nothing of the kind")
    with pytest.raises(AudioError):
        peaks(tmp_path / "call.wav", 10)
