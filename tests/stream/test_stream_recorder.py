"""Recordings of streaming calls."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from backend.audio.g711 import encode
from backend.audio.pcm import Pcm
from backend.audio.wav import read_wav_channels
from backend.core.errors import AudioError
from backend.telephony.stream.recorder import CallRecording, Recorder
from tests.support.loop import run, until

LOUD = encode(np.full(1600, 8000, dtype=np.int16))
"""0.2 s that cannot be taken for silence."""


def sides(path: Path) -> tuple[list[int], list[int]]:
    """In tenths of a second where caller and bot are loud."""
    samples, rate_hz = read_wav_channels(path)
    assert rate_hz == 8000
    tenths = len(samples) // 800
    levels = np.abs(samples[: tenths * 800].reshape(tenths, 800, 2).astype(int)).mean(axis=1)
    return tuple(np.nonzero(levels[:, side] > 4000)[0].tolist() for side in (0, 1))  # type: ignore[return-value]


def write_all(recording: CallRecording, until_s: float) -> None:
    recording.write(recording.take(until_s))


def test_both_sides_lie_where_they_were_heard(tmp_path: Path) -> None:
    recording = CallRecording(tmp_path / "call.wav", began_at_s=100.0)
    recording.caller_said(LOUD, at_s=100.4)
    recording.bot_said(LOUD, at_s=101.0)
    recording.caller_said(LOUD, at_s=101.7)
    write_all(recording, 102.0)
    assert sides(tmp_path / "call.wav") == ([2, 3, 15, 16], [10, 11])
    recording.close()


def test_what_the_caller_never_heard_is_not_in_it(tmp_path: Path) -> None:
    recording = CallRecording(tmp_path / "call.wav", began_at_s=0.0)
    recording.bot_said(LOUD * 5, at_s=0.5)
    recording.bot_stopped(at_s=0.8)
    recording.bot_said(LOUD, at_s=1.5)
    write_all(recording, 2.0)
    assert sides(tmp_path / "call.wav")[1] == [5, 6, 7, 15, 16]
    recording.close()


def test_packets_that_come_a_little_late_are_not_torn_apart(tmp_path: Path) -> None:
    recording = CallRecording(tmp_path / "call.wav", began_at_s=0.0)
    frame = encode(np.full(160, 8000, dtype=np.int16))
    for number in range(50):
        recording.caller_said(frame, at_s=(number + 1) * 0.02 + (0.03 if number % 3 else 0.0))
    write_all(recording, 1.1)
    samples, _ = read_wav_channels(tmp_path / "call.wav")
    loud = np.nonzero(samples[:, 0] > 4000)[0]
    assert len(loud) == 50 * 160
    assert loud[-1] - loud[0] == 50 * 160 - 1
    recording.close()


FRAME = encode(np.full(160, 8000, dtype=np.int16))
PAUSE = encode(np.zeros(160, dtype=np.int16))


def test_what_came_in_a_burst_after_a_stall_lies_where_it_was_said(tmp_path: Path) -> None:
    recording = CallRecording(tmp_path / "call.wav", began_at_s=0.0)
    for number in range(200):
        frame = FRAME if number % 50 < 10 else PAUSE  # loud for 0.2 s every second
        at_s = (number + 1) * 0.02
        if 0.5 < at_s < 2.5:
            at_s = 2.5  # nothing is received for two seconds, then all of it
        if number == 124:  # the recorder runs before what has piled up is received
            recording.write(recording.take_settled(2.2))
        recording.caller_said(frame, at_s)
    write_all(recording, 4.0)
    assert sides(tmp_path / "call.wav")[0] == [0, 1, 10, 11, 20, 21, 30, 31]
    recording.close()


def test_a_burst_that_comes_too_late_for_its_place_shifts_nothing_for_long(
    tmp_path: Path,
) -> None:
    recording = CallRecording(tmp_path / "call.wav", began_at_s=0.0)
    for number in range(50):
        recording.caller_said(FRAME, (number + 1) * 0.02)
    for until_s in (1.5, 2.0, 2.5):
        recording.write(recording.take_settled(until_s))
    for _ in range(50):
        recording.caller_said(FRAME, 3.0)
    for number in range(150, 300):
        recording.caller_said(PAUSE if number < 250 else FRAME, (number + 1) * 0.02)
    write_all(recording, 6.0)
    tenths = sides(tmp_path / "call.wav")[0]
    assert len([tenth for tenth in tenths if tenth < 48]) >= 20  # every word is kept
    assert tenths[-9:] == list(range(51, 60))  # but for a jitter's worth
    recording.close()


def test_a_caller_who_sends_nothing_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    recording = CallRecording(tmp_path / "call.wav", began_at_s=0.0)
    recording.caller_said(LOUD, at_s=0.2)
    assert len(recording.take_settled(1.0)[0]) == 0.2 * 8000
    assert len(recording.take_settled(2.0)[0]) == 1.8 * 8000
    assert len(recording.take_settled(3.0)[0]) == 8000
    recording.close()


def test_it_is_written_piece_by_piece_and_playable_at_any_time(tmp_path: Path) -> None:
    recording = CallRecording(tmp_path / "call.wav", began_at_s=0.0)
    for second in range(3):
        recording.bot_said(LOUD, at_s=second + 0.5)
        write_all(recording, second + 1.0)
        assert len(read_wav_channels(tmp_path / "call.wav")[0]) == (second + 1) * 8000
    assert sides(tmp_path / "call.wav")[1] == [5, 6, 15, 16, 25, 26]
    recording.close()


def test_a_short_call_is_complete_when_it_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [100.0]
    clock = SimpleNamespace(monotonic=lambda: now_s[0])
    monkeypatch.setattr("backend.telephony.stream.recorder.time", clock)

    async def test() -> None:
        recorder = Recorder(tmp_path)
        recorder.start()
        recording = await recorder.begin("call")
        recording.caller_said(LOUD, at_s=100.2)
        now_s[0] = 100.25
        await recorder.finish(recording)
        assert sides(tmp_path / "call.wav")[0] == [0, 1]
        await recorder.aclose()

    run(test())


def test_recordings_are_written_while_calls_last(tmp_path: Path) -> None:
    async def test() -> None:
        recorder = Recorder(tmp_path)
        recorder.start()
        for name in ("one", "two"):
            await recorder.begin(name)
        await until(
            lambda: all((tmp_path / f"{n}.wav").stat().st_size > 44 for n in ("one", "two"))
        )
        await recorder.aclose()

    run(test())


def test_no_folder_no_recording(tmp_path: Path) -> None:
    async def test() -> None:
        with pytest.raises(AudioError):
            await Recorder(tmp_path / "missing").begin("call")

    run(test())


def test_a_full_disk_ends_the_recording_not_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        recorder = Recorder(tmp_path)
        recorder.start()
        refused, fine = await recorder.begin("refused"), await recorder.begin("fine")

        def full(sides: object) -> None:
            raise AudioError("The disk is full.")

        monkeypatch.setattr(refused, "write", full)
        fine.bot_said(LOUD, at_s=fine.began_at_s)
        await until(lambda: (tmp_path / "fine.wav").stat().st_size > 44)
        await recorder.finish(refused)
        await recorder.aclose()
        assert sides(tmp_path / "fine.wav")[1]

    run(test())


def test_who_listens_in_hears_what_is_recorded_from_then_on(tmp_path: Path) -> None:
    recording = CallRecording(tmp_path / "call.wav", began_at_s=0.0)
    heard: list[Pcm] = []
    recording.caller_said(LOUD, at_s=0.2)
    write_all(recording, 0.2)
    leave = Recorder(tmp_path).listen_in(recording, heard.append)
    recording.bot_said(LOUD, at_s=0.2)
    write_all(recording, 0.4)
    leave()
    leave()
    write_all(recording, 0.6)
    recording.close()
    (pcm,) = heard
    assert pcm.shape == (1600, 2)
    assert np.abs(pcm[:, 0]).max() < 100
    assert np.abs(pcm[:, 1]).min() > 4000
