"""A browser's websocket as a caller's audio."""

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.audio.g711 import decode, encode
from backend.core.errors import HungUp, LineError
from backend.telephony.browser.audio import BrowserAudio, rate_of
from backend.telephony.browser.control import BrowserControl
from backend.telephony.browser.socket import MOST_WAITING, Outbox
from backend.telephony.line import TransferResult
from tests.support.loop import run

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@dataclass
class Wire:
    """What a browser has received."""

    texts: list[dict[str, Any]] = field(default_factory=list)
    audio: bytes = b""
    is_closed: bool = False

    async def send_text(self, data: str) -> None:
        self.texts.append(json.loads(data))

    async def send_bytes(self, data: bytes) -> None:
        self.audio += data

    async def close(self, code: int = 1000, reason: str | None = None) -> None:
        del code, reason
        self.is_closed = True


@dataclass
class Events:
    """What a line was told."""

    audio: bytes = b""
    told: list[str] = field(default_factory=list)

    def on_audio(self, ulaw: bytes) -> None:
        self.audio += ulaw

    def on_mark(self, name: str) -> None:
        self.told.append(f"mark {name}")

    def on_key(self, key: str) -> None:
        self.told.append(f"key {key}")

    def on_gone(self) -> None:
        self.told.append("gone")


def tone(rate_hz: int, seconds: float, hz: float = 440) -> np.ndarray[Any, np.dtype[np.int16]]:
    moments = np.arange(round(rate_hz * seconds)) / rate_hz
    return (12000 * np.sin(2 * np.pi * hz * moments)).astype(np.int16)


def audio_of(events: Events, rate_hz: int = 48000) -> BrowserAudio:
    return BrowserAudio(Outbox(Wire()), events, rate_hz)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 22050, 24000, 48000])
def test_what_the_browser_sends_is_heard_at_the_telephones_rate(rate_hz: int) -> None:
    events = Events()
    audio = audio_of(events, rate_hz)
    spoken = tone(rate_hz, 1.0)
    for start in range(0, len(spoken), rate_hz // 50):
        audio.on_binary(spoken[start : start + rate_hz // 50].astype("<i2").tobytes())
    heard = decode(events.audio)
    assert abs(len(heard) - 8000) <= 8
    crossings = np.count_nonzero(np.diff(np.signbit(heard[400:7600])))
    assert crossings == pytest.approx(2 * 440 * 0.9, abs=3)


def test_what_is_played_arrives_in_order_with_its_marks() -> None:
    async def scenario() -> None:
        wire = Wire()
        outbox = Outbox(wire)
        audio = BrowserAudio(outbox, Events(), 48000)
        audio.play(encode(tone(8000, 0.1)))
        audio.mark("1.first")
        audio.flush()
        outbox.close()
        await outbox.run()
        assert len(wire.audio) == 2 * 800
        assert wire.texts == [{"type": "mark", "name": "1.first"}, {"type": "flush"}]
        assert wire.is_closed

    run(scenario())


def test_marks_keys_and_hanging_up_are_told() -> None:
    events = Events()
    audio = audio_of(events)
    for message in (
        {"type": "mark", "name": "2.800"},
        {"type": "key", "key": "7"},
        {"type": "key", "key": "77"},
        {"type": "hang-up"},
    ):
        audio.on_text(json.dumps(message))
    assert events.told == ["mark 2.800", "key 7", "gone"]


@given(json_values)
def test_any_message_is_survived(value: Any) -> None:
    audio_of(Events()).on_text(json.dumps(value))
    audio_of(Events()).on_text(json.dumps({"type": "key", "key": value if value else "x"}))


@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    audio_of(Events()).on_text(text)


@given(json_values)
def test_a_call_begins_with_a_rate_that_can_be(value: Any) -> None:
    text = json.dumps({"type": "start", "rate_hz": value})
    if isinstance(value, int) and 8000 <= value <= 192_000:
        assert rate_of(text) == value
    else:
        with pytest.raises(LineError, match="at which rate"):
            rate_of(text)


@pytest.mark.parametrize("data", [b"x", b"xyz", bytes(400_000)])
def test_what_cannot_be_audio_is_refused(data: bytes) -> None:
    with pytest.raises(LineError):
        audio_of(Events()).on_binary(data)


def test_a_browser_that_stops_reading_is_noticed() -> None:
    outbox = Outbox(Wire())
    for _ in range(MOST_WAITING):
        outbox.put(b"")
    with pytest.raises(LineError, match="stopped reading"):
        outbox.put(b"")


def test_the_call_ends_with_the_websocket() -> None:
    async def scenario() -> None:
        wire, events = Wire(), Events()
        control = BrowserControl("c1", "anna", Outbox(wire), 48000)
        await control.answer(events)
        control.on_message(tone(48000, 0.1).tobytes())
        assert events.audio
        assert await control.transfer("2001") is TransferResult.FAILED
        control.on_closed()
        assert events.told == ["gone"]

    run(scenario())


def test_a_browser_that_left_before_the_answer_has_hung_up() -> None:
    async def scenario() -> None:
        control = BrowserControl("c1", "anna", Outbox(Wire()), 48000)
        control.on_message(b"early")
        control.on_closed()
        with pytest.raises(HungUp):
            await control.answer(Events())

    run(scenario())


def test_hanging_up_closes_the_websocket_after_what_was_said() -> None:
    async def scenario() -> None:
        wire = Wire()
        outbox = Outbox(wire)
        control = BrowserControl("c1", "anna", outbox, 48000)
        (await control.answer(Events())).play(encode(tone(8000, 0.1)))
        sending = asyncio.create_task(outbox.run())
        await control.hang_up()
        await sending
        assert wire.audio
        assert wire.is_closed

    run(scenario())
