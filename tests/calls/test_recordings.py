"""Recordings become one stereo file, whatever happened to their parts."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from backend.audio.wav import read_wav_channels, write_wav
from backend.calls.recordings import Recordings
from backend.core.events import CallEvent, EventBus, EventType
from tests.support.loop import run

CALL = "20260101-000000-abcdef"


def tone(level: int, samples: int = 800) -> np.ndarray:
    return np.full(samples, level, dtype=np.int16)


def ended(recording: str) -> CallEvent:
    data = {"outcome": "completed", "duration_s": 1.0, "recording": recording, "intent": ""}
    return CallEvent(CALL, 9, EventType.CALL_ENDED, datetime(2026, 1, 1, tzinfo=UTC), 1.0, data)


def write_parts(folder: Path) -> None:
    write_wav(folder / f"{CALL}-caller.wav", tone(100), 8000)
    write_wav(folder / f"{CALL}-bot.wav", tone(200), 8000)


def test_an_ended_call_has_the_caller_left_and_the_bot_right(tmp_path: Path) -> None:
    async def scenario() -> None:
        bus = EventBus()
        recordings = Recordings(tmp_path, bus)
        write_parts(tmp_path)
        bus.publish(ended(f"{CALL}.wav"))
        await recordings.aclose()

    run(scenario())
    samples, rate_hz = read_wav_channels(tmp_path / f"{CALL}.wav")
    assert (rate_hz, samples[0].tolist()) == (8000, [100, 200])
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{CALL}.wav"]


def test_parts_left_by_a_killed_bot_are_joined_at_the_next_start(tmp_path: Path) -> None:
    write_parts(tmp_path)
    recovered = run(_recover(tmp_path))
    assert recovered == 1
    assert (tmp_path / f"{CALL}.wav").exists()


def test_a_call_without_a_recording_is_left_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        bus = EventBus()
        recordings = Recordings(tmp_path, bus)
        bus.publish(ended(""))
        await asyncio.sleep(0)
        await recordings.aclose()

    run(scenario())
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_part_is_kept_for_a_person_to_look_at(tmp_path: Path) -> None:
    write_parts(tmp_path)
    (tmp_path / f"{CALL}-bot.wav").write_bytes(b"RIFF not really")
    run(_recover(tmp_path))
    assert (tmp_path / f"{CALL}-caller.wav").exists()


async def _recover(folder: Path) -> int:
    recordings = Recordings(folder, EventBus())
    count = await recordings.recover()
    await recordings.aclose()
    return count
