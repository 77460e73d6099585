"""Asterisk's media websocket: its rules kept, whatever it sends."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server

from backend.core.errors import LineError
from backend.telephony.stream import websocket_audio
from backend.telephony.stream.websocket_audio import (
    AHEAD_S,
    FRAME,
    WebsocketAudio,
    open_websocket_audio,
)
from tests.support.loop import run, until

START = {"event": "MEDIA_START", "connection_id": "x", "optimal_frame_size": 160}


class FakeAsterisk(WSListener):
    """The other end: keeps what it gets, and begins with what it is told to say."""

    def __init__(self, says: tuple[bytes | dict[str, str] | str, ...]) -> None:
        super().__init__()
        self._says = says
        self.audio: list[bytes] = []
        self.commands: list[dict[str, str]] = []
        self.transport: WSTransport | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        for message in self._says:
            self.say(message)

    def say(self, message: Any) -> None:
        assert self.transport is not None
        if isinstance(message, bytes):
            self.transport.send(WSMsgType.BINARY, message)
        else:
            text = message if isinstance(message, str) else json.dumps(message)
            self.transport.send(WSMsgType.TEXT, text.encode())

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.BINARY:
            self.audio.append(frame.get_payload_as_bytes())
        elif frame.msg_type is WSMsgType.TEXT:
            payload = frame.get_payload_as_utf8_text()
            assert len(payload) <= 128
            self.commands.append(json.loads(payload))
        elif frame.msg_type is WSMsgType.CLOSE:
            transport.disconnect()

    def names(self) -> list[str]:
        return [command["command"] for command in self.commands]


class Events:
    def __init__(self) -> None:
        self.audio = b""
        self.marks: list[str] = []
        self.gone = 0

    def on_audio(self, ulaw: bytes) -> None:
        self.audio += ulaw

    def on_mark(self, name: str) -> None:
        self.marks.append(name)

    def on_key(self, key: str) -> None:
        raise AssertionError("keys come by ARI")

    def on_gone(self) -> None:
        self.gone += 1


@asynccontextmanager
async def asterisk(*says: Any) -> AsyncIterator[tuple[str, list[FakeAsterisk]]]:
    """Serves connections that begin with `says`."""
    ends: list[FakeAsterisk] = []

    def new(_: Any) -> FakeAsterisk:
        ends.append(FakeAsterisk(says))
        return ends[-1]

    server = await ws_create_server(new, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"ws://127.0.0.1:{port}/media/x", ends
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def opened(*says: Any) -> AsyncIterator[tuple[WebsocketAudio, FakeAsterisk, Events]]:
    events = Events()
    async with asterisk(*says) as (url, ends):
        audio = await open_websocket_audio(url, events)
        yield audio, ends[0], events
        audio.close()
        await until(lambda: events.gone > 0)


def test_audio_before_media_start_is_heard() -> None:
    async def test() -> None:
        async with opened(b"\x01" * 160, START, b"\x02" * 160) as (_, _end, events):
            await until(lambda: events.audio == b"\x01" * 160 + b"\x02" * 160)

    run(test())


def test_audio_goes_out_in_whole_frames_and_small_enough_messages() -> None:
    async def test() -> None:
        async with opened(START) as (audio, end, _):
            audio.play(b"\x11" * 100_001)
            await until(lambda: sum(map(len, end.audio)) >= 100_001)
            assert all(
                len(message) % FRAME == 0 and len(message) <= 65_000 for message in end.audio
            )
            assert b"".join(end.audio) == b"\x11" * 100_001 + b"\xff" * 159

    run(test())


def test_no_more_is_sent_ahead_than_asterisk_holds() -> None:
    async def test() -> None:
        async with opened(START) as (audio, end, _):
            minute = b"\x11" * 480_000
            audio.play(minute)
            audio.mark("1.end")
            await until(lambda: len(end.audio) > 0)
            await audio_round_trip(audio, end)
            assert sum(map(len, end.audio)) <= AHEAD_S * 8000
            assert "MARK_MEDIA" not in end.names()

    run(test())


async def audio_round_trip(audio: WebsocketAudio, end: FakeAsterisk) -> None:
    """What was sent before has arrived."""
    audio._command("GET_STATUS")
    await until(lambda: "GET_STATUS" in end.names())


def test_the_rest_follows_as_room_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_audio, "AHEAD_S", 0.1)
    monkeypatch.setattr(websocket_audio, "MESSAGE", 4 * FRAME)

    async def test() -> None:
        async with opened(START) as (audio, end, _):
            audio.play(b"\x11" * 16 * FRAME)
            audio.mark("1.end")
            await audio_round_trip(audio, end)
            assert len(end.audio) < 4
            await until(lambda: "MARK_MEDIA" in end.names())
            assert len(end.audio) == 4

    run(test())


def test_a_flush_forgets_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_audio, "AHEAD_S", 0.1)
    monkeypatch.setattr(websocket_audio, "MESSAGE", 4 * FRAME)

    async def test() -> None:
        async with opened(START) as (audio, end, _):
            audio.play(b"\x11" * 16 * FRAME)
            audio.flush()
            audio.play(b"\x22" * FRAME)
            await until(lambda: b"\x22" * FRAME in end.audio)
            assert end.names() == ["FLUSH_MEDIA"]

    run(test())


def test_marks_come_back_by_their_name() -> None:
    async def test() -> None:
        async with opened(START) as (audio, end, events):
            audio.mark("7.first")
            await until(lambda: bool(end.commands))
            assert end.commands == [{"command": "MARK_MEDIA", "correlation_id": "7.first"}]
            end.say({"event": "MEDIA_MARK_PROCESSED", "correlation_id": "7.first"})
            await until(lambda: events.marks == ["7.first"])

    run(test())


@pytest.mark.parametrize(
    "garbage", ["not json", "[]", '"x"', "{}", '{"event": 7}', '{"event": "ERROR"}', "\u0000"]
)
def test_garbage_as_control_is_survived(garbage: str) -> None:
    async def test() -> None:
        async with opened(garbage, START, garbage, b"\x05" * 160) as (_, _end, events):
            await until(lambda: events.audio == b"\x05" * 160)

    run(test())


def test_a_socket_that_closes_is_a_caller_who_left() -> None:
    async def test() -> None:
        async with opened(START) as (audio, end, events):
            assert end.transport is not None
            end.transport.disconnect()
            await until(lambda: events.gone == 1)
            audio.play(b"\x11" * 160)
            audio.mark("1.x")
            audio.flush()

    run(test())


def test_one_that_never_starts_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket_audio, "START_S", 0.2)

    async def test() -> None:
        async with asterisk() as (url, _):
            with pytest.raises(LineError, match="no media came"):
                await open_websocket_audio(url, Events())

    run(test())


def test_nobody_there() -> None:
    async def test() -> None:
        with pytest.raises(LineError, match="does not answer"):
            await open_websocket_audio("ws://127.0.0.1:1/media/x", Events())

    run(test())
