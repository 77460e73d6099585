"""WAV files: read, written as they come, followed while they grow, joined."""

import contextlib
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from backend.audio.pcm import Pcm
from backend.audio.riff import wav_header
from backend.audio.wav import (
    GrowingWavReader,
    WavWriter,
    merge_to_stereo,
    read_wav,
    read_wav_channels,
    write_wav,
)
from backend.core.errors import AudioError

COUNT = np.arange(1000, dtype=np.int16)
in_tmp = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def file_of(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def format_chunk(code: int = 1, channels: int = 1, rate_hz: int = 8000, bits: int = 16) -> bytes:
    frame = channels * bits // 8
    body = struct.pack("<HHIIHH", code, channels, rate_hz, rate_hz * frame, frame, bits)
    return b"fmt " + struct.pack("<I", len(body)) + body


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def data_chunk(pcm: Pcm = COUNT) -> bytes:
    return b"data" + struct.pack("<I", 2 * len(pcm)) + pcm.tobytes()


@in_tmp
@given(pcm=npst.arrays(np.int16, st.integers(0, 500)), rate_hz=st.sampled_from([8000, 16000]))
def test_mono_is_read_back(tmp_path: Path, pcm: Pcm, rate_hz: int) -> None:
    write_wav(tmp_path / "a.wav", pcm, rate_hz)
    read, read_rate_hz = read_wav(tmp_path / "a.wav")
    assert np.array_equal(read, pcm)
    assert read_rate_hz == rate_hz


@in_tmp
@given(pcm=npst.arrays(np.int16, st.tuples(st.integers(0, 200), st.just(2))))
def test_stereo_is_read_back_and_mixed_down_on_request(tmp_path: Path, pcm: Pcm) -> None:
    write_wav(tmp_path / "a.wav", pcm, 8000)
    assert np.array_equal(read_wav_channels(tmp_path / "a.wav")[0], pcm)
    mixed = read_wav(tmp_path / "a.wav")[0]
    assert np.all(np.abs(mixed - pcm.astype(int).sum(axis=1) / 2) < 1)


def test_other_chunks_and_the_extensible_form_are_stepped_over(tmp_path: Path) -> None:
    extensible = struct.pack("<HHIIHH", 0xFFFE, 1, 8000, 16000, 2, 16) + struct.pack(
        "<HHI", 22, 16, 4
    )
    extensible += struct.pack("<H", 1) + bytes(14)
    chunk = b"fmt " + struct.pack("<I", len(extensible)) + extensible
    odd = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    path = file_of(tmp_path / "a.wav", riff(odd, chunk, odd, data_chunk()))
    assert np.array_equal(read_wav(path)[0], COUNT)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cut short"),
        (b"RIFF", "cut short"),
        (b"ID3\x04 some music", "not a WAV"),
        (riff(format_chunk()), "ends inside its header"),
        (riff(data_chunk()), "format comes after"),
        (riff(format_chunk(code=3, bits=32), data_chunk()), "floating point.*sox"),
        (riff(format_chunk(code=7, bits=8), data_chunk()), "mu-law"),
        (riff(format_chunk(code=0x999), data_chunk()), "type 2457"),
        (riff(format_chunk(bits=24), data_chunk()), "24-bit"),
        (riff(format_chunk(channels=6), data_chunk()), "6 channels"),
        (riff(format_chunk(rate_hz=0), data_chunk()), "0 Hz"),
        (riff(b"fmt " + struct.pack("<I", 4) + b"abcd", data_chunk()), "format is 4 bytes"),
        (riff(format_chunk(), data_chunk())[:-100], "1900 of 2000 bytes"),
        (riff(format_chunk(), b"data\xff\xff\xff\xff"), "longer than"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(AudioError, match=words):
        read_wav(file_of(tmp_path / "a.wav", content))


def test_a_missing_file_is_an_audio_error(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="No such file"):
        read_wav(tmp_path / "none.wav")


@in_tmp
@given(st.data())
def test_any_damage_is_read_or_an_audio_error(tmp_path: Path, data: st.DataObject) -> None:
    whole = riff(format_chunk(), data_chunk(COUNT[:20]))
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    damaged = whole[:start] + data.draw(st.binary(max_size=6)) + whole[end:]
    path = file_of(tmp_path / "a.wav", damaged)
    with contextlib.suppress(AudioError):
        read_wav(path)
    with GrowingWavReader(path) as reader, contextlib.suppress(AudioError):
        reader.read_new()


# Writing as it comes


def test_the_file_is_playable_after_every_write(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with WavWriter(path, 8000) as writer:
        assert len(read_wav(path)[0]) == 0
        for count in (1, 2, 3):
            writer.write(COUNT)
            assert np.array_equal(read_wav(path)[0], np.tile(COUNT, count))
        assert writer.duration_s == pytest.approx(0.375)


def test_a_closed_writer_and_a_wrong_shape_are_refused(tmp_path: Path) -> None:
    writer = WavWriter(tmp_path / "a.wav", 8000, channels=2)
    with pytest.raises(AudioError, match="2 channels"):
        writer.write(COUNT)
    writer.close()
    writer.close()
    with pytest.raises(AudioError, match="closed"):
        writer.write(COUNT.reshape(-1, 2))


def test_a_folder_that_is_not_there_is_an_audio_error(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="cannot be written"):
        WavWriter(tmp_path / "none" / "a.wav", 8000)


FILL_THE_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from backend.audio.wav import WavWriter
from backend.core.errors import AudioError

resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with WavWriter(Path(sys.argv[1]), 8000) as writer:
    writer.write(np.arange(1000, dtype=np.int16))
    try:
        writer.write(np.arange(1000, dtype=np.int16))
    except AudioError as error:
        print(error.message)
"""


def test_when_the_disk_is_full_what_was_written_stays_playable(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    # A process of its own, because a limit on file size stands in for the disk.
    command = [sys.executable, "-c", FILL_THE_DISK, str(path)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "cannot be written: File too large" in told
    assert np.array_equal(read_wav(path)[0], COUNT)
    with pytest.raises(AudioError, match="No space left"):
        WavWriter(Path("/dev/full"), 8000)


# Following a file another process writes


@in_tmp
@given(st.data())
def test_however_the_file_grows_every_sample_is_read_once(
    tmp_path: Path, data: st.DataObject
) -> None:
    # As Asterisk leaves it while recording: the sizes in the header are still zero.
    content = wav_header(8000, 1, 0) + COUNT.tobytes()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=8)))
    path = tmp_path / "growing.wav"
    path.unlink(missing_ok=True)
    parts = []
    with GrowingWavReader(path) as reader:
        assert len(reader.read_new()) == 0
        for start, end in zip([0, *cuts], [*cuts, len(content)], strict=True):
            with path.open("ab") as file:
                file.write(content[start:end])
            parts.append(reader.read_new())
        assert reader.rate_hz == 8000
    assert np.array_equal(np.concatenate(parts), COUNT)


def test_what_is_followed_must_be_a_mono_wav(tmp_path: Path) -> None:
    stereo = file_of(tmp_path / "stereo.wav", wav_header(8000, 2, 0))
    with GrowingWavReader(stereo) as reader, pytest.raises(AudioError, match="stereo"):
        reader.read_new()
    other = file_of(tmp_path / "other.wav", b"OggS")
    with GrowingWavReader(other) as reader, pytest.raises(AudioError, match="not a WAV"):
        reader.read_new()


def test_a_recording_whose_silent_end_is_cut_off_has_nothing_new(tmp_path: Path) -> None:
    path = file_of(tmp_path / "a.wav", wav_header(8000, 1, 0) + COUNT.tobytes())
    with GrowingWavReader(path) as reader:
        assert len(reader.read_new()) == 1000
        os.truncate(path, 100)
        assert len(reader.read_new()) == 0


# Joining two sides


def test_two_sides_become_one_stereo_file_the_shorter_padded(tmp_path: Path) -> None:
    left, right, out = (tmp_path / name for name in ("l.wav", "r.wav", "out.wav"))
    long = np.arange(70_000, dtype=np.int32).astype(np.int16)
    write_wav(left, COUNT, 8000)
    write_wav(right, long, 8000)
    merge_to_stereo(left, right, out)
    samples, rate_hz = read_wav_channels(out)
    assert (samples.shape, rate_hz) == ((70_000, 2), 8000)
    assert np.array_equal(samples[:1000, 0], COUNT)
    assert not samples[1000:, 0].any()
    assert np.array_equal(samples[:, 1], long)


def test_a_missing_side_is_silent(tmp_path: Path) -> None:
    write_wav(tmp_path / "r.wav", COUNT, 8000)
    merge_to_stereo(tmp_path / "none.wav", tmp_path / "r.wav", tmp_path / "out.wav")
    samples, _ = read_wav_channels(tmp_path / "out.wav")
    assert not samples[:, 0].any()
    assert np.array_equal(samples[:, 1], COUNT)


def test_a_side_whose_writer_was_killed_is_joined(tmp_path: Path) -> None:
    left = file_of(tmp_path / "l.wav", wav_header(8000, 1, 0) + COUNT.tobytes() + b"\1")
    merge_to_stereo(left, tmp_path / "none.wav", tmp_path / "out.wav")
    assert np.array_equal(read_wav_channels(tmp_path / "out.wav")[0][:, 0], COUNT)


def test_sides_that_do_not_fit_or_hold_nothing_are_refused(tmp_path: Path) -> None:
    write_wav(tmp_path / "8.wav", COUNT, 8000)
    write_wav(tmp_path / "16.wav", COUNT, 16000)
    out = tmp_path / "out.wav"
    with pytest.raises(AudioError, match="different sample rates"):
        merge_to_stereo(tmp_path / "8.wav", tmp_path / "16.wav", out)
    with pytest.raises(AudioError, match="Neither"):
        merge_to_stereo(tmp_path / "none.wav", file_of(tmp_path / "empty.wav", b""), out)
    assert not out.exists()
