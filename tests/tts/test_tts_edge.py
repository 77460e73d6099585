"""edge-tts against a server of ours that speaks the service's websocket messages."""

import io
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import av
import edge_tts.communicate
import numpy as np
import pytest
from aiohttp import WSMsgType, web
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.audio.pcm import Pcm
from backend.core.errors import EngineError
from backend.tts.edge import SERVICE_HZ, EdgeTts
from backend.tts.mp3 import Mp3Decoder
from tests.support.loop import run
from tests.support.pbx import free_port
from tests.tts.speaking import SENTENCE, joined, said

TURN_END = "X-RequestId:1\r\nPath:turn.end\r\n\r\n{}"


def mp3_of(pcm: Pcm) -> bytes:
    """Encoded as the service does: 48 kbit/s, mono."""
    file = io.BytesIO()
    bare = {"write_id3v2": "0", "write_xing": "0"}
    with av.open(file, "w", format="mp3", options=bare) as container:
        stream = container.add_stream("mp3", rate=SERVICE_HZ)
        stream.bit_rate = 48_000
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(pcm[np.newaxis, :], format="s16p", layout="mono")
        frame.sample_rate = SERVICE_HZ
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return file.getvalue()


def hum(length_s: float) -> Pcm:
    time_s = np.arange(round(length_s * SERVICE_HZ)) / SERVICE_HZ
    return (9000 * np.sin(2 * np.pi * 300 * time_s)).astype(np.int16)


def audio_message(mp3: bytes) -> bytes:
    """Two bytes of header length, the header, the data."""
    header = b"X-RequestId:1\r\nContent-Type:audio/mpeg\r\nPath:audio\r\n"
    return len(header).to_bytes(2, "big") + header + mp3


@asynccontextmanager
async def service(
    monkeypatch: pytest.MonkeyPatch, answer: Sequence[str | bytes]
) -> AsyncIterator[list[str]]:
    """Answers every request with `answer`, then closes; yields what it was asked to speak."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()  # the format wanted
        ssml = await socket.receive()
        assert ssml.type is WSMsgType.TEXT
        asked.append(ssml.data)
        for message in answer:
            if isinstance(message, str):
                await socket.send_str(message)
            else:
                await socket.send_bytes(message)
        await socket.close()
        return socket

    app = web.Application()
    app.router.add_get("/edge", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port := free_port())
    await site.start()
    monkeypatch.setattr(edge_tts.communicate, "WSS_URL", f"ws://127.0.0.1:{port}/edge?t=1")
    try:
        yield asked
    finally:
        await runner.cleanup()


def test_a_sentence_is_sent_and_its_mp3_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    mp3 = mp3_of(hum(1.0))
    answer = [audio_message(mp3[start : start + 700]) for start in range(0, len(mp3), 700)]

    async def scenario() -> None:
        engine = EdgeTts("en-GB-SoniaNeural")
        await engine.start()
        async with service(monkeypatch, [*answer, TURN_END]) as asked:
            pcm = await said(engine)
        assert SENTENCE in asked[0]
        assert "SoniaNeural" in asked[0]
        assert len(pcm) / 8000 == pytest.approx(1.1, abs=0.15)
        assert np.abs(pcm).max() == pytest.approx(9000, rel=0.1)

    run(scenario())


def test_the_first_chunk_does_not_wait_for_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    mp3 = mp3_of(hum(3.0))
    answer = [audio_message(mp3[start : start + 2000]) for start in range(0, len(mp3), 2000)]

    async def scenario() -> None:
        engine = EdgeTts()
        async with service(monkeypatch, [*answer, TURN_END]):
            chunks = [pcm async for pcm in engine.speak(SENTENCE, 8000)]
        assert len(chunks) > 3

    run(scenario())


@pytest.mark.parametrize(
    "answer",
    [
        [TURN_END],
        [],
        ["no header at all"],
        ["Path:surprise\r\n\r\n{}"],
        [b"\xff\xff"],
        ["Path:audio.metadata\r\n\r\n{}"],
    ],
    ids=["no audio", "closed", "no header", "unknown path", "short frame", "no metadata"],
)
def test_an_answer_that_makes_no_sense_is_an_engine_error(
    monkeypatch: pytest.MonkeyPatch, answer: list[str | bytes]
) -> None:
    async def scenario() -> None:
        async with service(monkeypatch, answer):
            with pytest.raises(EngineError, match="cannot be reached, or refused"):
                await said(EdgeTts())

    run(scenario())


def test_no_network_is_an_engine_error_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge_tts.communicate, "WSS_URL", f"ws://127.0.0.1:{free_port()}/edge?t=1")
    with pytest.raises(EngineError, match="FRONTDESK_TTS_ENGINE"):
        run(said(EdgeTts()))


def test_a_voice_that_cannot_be_one_is_refused_at_start() -> None:
    with pytest.raises(EngineError, match="list-voices"):
        run(EdgeTts("slt").start())


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(min_value=0, max_value=6000), max_size=8))
def test_mp3_cut_anywhere_decodes_to_the_same(cuts: list[int]) -> None:
    def decoded(parts: Sequence[bytes]) -> Pcm:
        decoder = Mp3Decoder(SERVICE_HZ)
        return np.concatenate([*map(decoder.feed, parts), decoder.finish()])

    edges = [0, *sorted(cuts), len(MP3)]
    parts = [MP3[start:end] for start, end in itertools.pairwise(edges)]
    assert np.array_equal(decoded(parts), decoded([MP3]))


MP3 = mp3_of(hum(0.5))


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=2000))
def test_noise_in_place_of_mp3_is_survived(data: bytes) -> None:
    decoder = Mp3Decoder(SERVICE_HZ)
    decoder.feed(data)
    decoder.finish()


def test_nothing_stays_open_when_the_listener_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    mp3 = mp3_of(hum(2.0))

    async def scenario() -> None:
        async with service(monkeypatch, [audio_message(mp3), TURN_END]):
            chunks = EdgeTts().speak(SENTENCE, 8000)
            await anext(chunks)
            await chunks.aclose()  # type: ignore[attr-defined]
            assert len(await joined(EdgeTts().speak(SENTENCE, 8000)))

    run(scenario())
