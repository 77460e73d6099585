"""What is spoken and heard: placed on one clock, measured, kept."""

import asyncio
import itertools
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from backend.audio.g711 import Law, decode, encode
from backend.audio.pcm import Pcm
from backend.audio.wav import read_wav_channels
from backend.core.errors import LineError
from backend.phone.media import Media
from backend.phone.outgoing import Sent
from backend.phone.phone import Phone
from backend.phone.results import CallEnd, CallOverError, EndedBy
from backend.phone.rtp import pack_header
from backend.phone.sdp import MediaAnswer
from backend.phone.track import Span, Track
from backend.phone.udp import open_udp, wall_to_monotonic_s
from backend.phone.voice import VoiceSettings, voiced_bounds
from tests.phone.peer import Peer, peer, rtp_fields
from tests.support.loop import run


def tone(seconds: float, amplitude: int = 8000) -> Pcm:
    t = np.arange(round(seconds * 8000)) / 8000
    return np.round(amplitude * np.sin(2 * np.pi * 440 * t)).astype(np.int16)


def key_events(pbx: Peer) -> list[tuple[int, bool, int, int, bytes]]:
    return [fields for fields in map(rtp_fields, pbx.rtp) if fields[0] == 101]


# Calls over real UDP


def test_what_is_spoken_comes_back_where_it_was_spoken() -> None:
    async def scenario() -> None:
        async with peer() as pbx, Phone() as phone:
            call = await phone.dial(pbx.uri())
            speech = tone(0.4)
            sent = await call.speak(speech)
            span = await call.wait_for_quiet(quiet_s=0.1, timeout_s=5)
            assert sent.voice is not None
            assert span.start_s - sent.voice.start_s == pytest.approx(0, abs=0.05)
            assert span.duration_s == pytest.approx(0.4, abs=0.005)
            heard = call.heard(span.start_s, span.start_s + 0.3)
            spoken = decode(encode(speech))
            first = int(np.nonzero(np.abs(spoken) >= np.abs(heard[0]))[0][0])
            assert np.array_equal(heard[:2000], spoken[first : first + 2000])
            assert call.first_audio_at_s == span.start_s

    run(scenario())


def test_a_call_always_sends_packets_twenty_milliseconds_apart() -> None:
    async def scenario() -> None:
        async with peer(mute=True) as pbx, Phone() as phone:
            await phone.dial(pbx.uri())
            await pbx.until(lambda: len(pbx.rtp) >= 5)
            fields = [rtp_fields(packet) for packet in pbx.rtp]
            assert [f[1] for f in fields] == [True, *[False] * (len(fields) - 1)]
            assert {b[3] - a[3] for a, b in itertools.pairwise(fields)} == {160}
            assert {b[2] - a[2] for a, b in itertools.pairwise(fields)} == {1}
            assert {f[4] for f in fields} == {b"\xff" * 160}

    run(scenario())


def test_keys_arrive_as_telephone_events() -> None:
    async def scenario() -> None:
        async with peer(mute=True) as pbx, Phone() as phone:
            call = await phone.dial(pbx.uri())
            sent = await call.send_keys("1#")
            assert sent.end_s - sent.start_s == pytest.approx(0.36, abs=0.1)
            await pbx.until(lambda: len(key_events(pbx)) == 16)
            events = key_events(pbx)
            by_stamp = {f[3]: [g for g in events if g[3] == f[3]] for f in events}
            assert [group[0][4][0] for group in by_stamp.values()] == [1, 11]
            for group in by_stamp.values():
                assert [f[1] for f in group] == [True, *[False] * 7]
                assert [bool(f[4][1] & 0x80) for f in group] == [False] * 5 + [True] * 3

    run(scenario())


def test_keys_have_been_sent_even_if_the_peer_hangs_up_on_the_last_one() -> None:
    async def scenario() -> None:
        async with peer(mute=True) as pbx, Phone() as phone:
            call = await phone.dial(pbx.uri())
            await call.send_keys("1")
            await pbx.request("BYE")
            assert (await call.wait_ended(timeout_s=5)).by is EndedBy.PEER
            await pbx.until(lambda: len(key_events(pbx)) == 8)
            assert key_events(pbx)[-1][4][1] & 0x80

    run(scenario())


def test_keys_are_refused_where_the_peer_takes_none_or_there_are_none() -> None:
    async def scenario() -> None:
        async with peer(types="0") as pbx, Phone() as phone:
            call = await phone.dial(pbx.uri())
            with pytest.raises(LineError, match="4733"):
                await call.send_keys("1")
            with pytest.raises(LineError, match="No keys"):
                await call.send_keys("")

    run(scenario())


def test_a_wrong_key_among_good_ones_presses_none() -> None:
    async def scenario() -> None:
        async with peer(mute=True) as pbx, Phone() as phone:
            call = await phone.dial(pbx.uri())
            with pytest.raises(LineError, match="'x' is not a telephone key"):
                await call.send_keys("12x")
            await call.speak(tone(0.04))
            assert {rtp_fields(packet)[0] for packet in pbx.rtp} == {0}

    run(scenario())


def test_a_call_in_a_law_is_spoken_and_heard_in_a_law() -> None:
    async def scenario() -> None:
        async with peer(types="8 101") as pbx, Phone() as phone:
            call = await phone.dial(pbx.uri())
            await call.speak(tone(0.2))
            span = await call.wait_for_quiet(quiet_s=0.1, timeout_s=5)
            assert span.duration_s == pytest.approx(0.2, abs=0.005)
            assert {rtp_fields(packet)[0] for packet in pbx.rtp} == {8}

    run(scenario())


def test_early_media_is_heard_before_the_answer() -> None:
    async def scenario() -> None:
        async with peer(early_media=True, rings=True) as pbx, Phone() as phone:
            dialling = asyncio.create_task(phone.dial(pbx.uri()))
            await pbx.until(lambda: len(pbx.rtp) > 3)
            assert pbx.invite is not None
            pbx.respond(pbx.invite, 200, "OK", body=pbx.description())
            call = await dialling
            assert call.first_packet_at_s is not None
            assert call.first_packet_at_s < call.answered_at_s

    run(scenario())


def test_cancelling_speech_stops_it_in_the_middle() -> None:
    async def scenario() -> None:
        async with peer() as pbx, Phone() as phone:
            call = await phone.dial(pbx.uri())
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(call.speak(tone(5)), 0.2)
            span = await call.wait_for_quiet(quiet_s=0.1, timeout_s=5)
            assert span.duration_s < 1

    run(scenario())


def test_speech_ends_with_the_call() -> None:
    async def scenario() -> None:
        async with peer() as pbx, Phone() as phone:
            call = await phone.dial(pbx.uri())
            speaking = asyncio.create_task(call.speak(tone(5)))
            await pbx.until(lambda: len(pbx.rtp) > 3)
            await pbx.request("BYE")
            with pytest.raises(CallOverError):
                await speaking

    run(scenario())


def test_garbage_on_the_audio_port_disturbs_nobody() -> None:
    async def scenario() -> None:
        async with peer() as pbx, Phone() as phone:
            pbx.mangle = lambda packet: b"\x81garbage" if len(pbx.rtp) % 2 else packet
            call = await phone.dial(pbx.uri())
            await call.speak(tone(0.2))
            assert (await call.wait_for_voice(0, timeout_s=5)).duration_s > 0

    run(scenario())


def test_the_recording_has_the_caller_left_and_the_peer_right(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with peer() as pbx, Phone() as phone:
            call = await phone.dial(pbx.uri())
            await call.speak(tone(0.2))
            await call.wait_for_quiet(quiet_s=0.1, timeout_s=5)
            await call.hang_up()
            call.write_stereo_wav(tmp_path / "call.wav")

    run(scenario())
    samples, rate_hz = read_wav_channels(tmp_path / "call.wav")
    assert rate_hz == 8000
    left, right = (np.nonzero(np.abs(samples[:, side]) > 2000)[0] for side in (0, 1))
    assert right[0] == pytest.approx(left[0], abs=400)
    assert len(right) == pytest.approx(len(left), abs=10)


def test_waiting_for_a_silent_peer_times_out() -> None:
    async def scenario() -> None:
        async with peer(mute=True) as pbx, Phone() as phone:
            call = await phone.dial(pbx.uri())
            with pytest.raises(TimeoutError):
                await call.wait_for_quiet(quiet_s=0.1, timeout_s=0.1)

    run(scenario())


# One call's media, with the clock in our hands


@pytest.fixture
def wire() -> Iterator[tuple[Media, socket.socket]]:
    """A call's media connected to a bare socket."""
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    other.bind(("127.0.0.1", 0))
    media = Media(open_udp("127.0.0.1"), time.monotonic(), VoiceSettings())
    media.connect(MediaAnswer("127.0.0.1", other.getsockname()[1], Law.MU, 101))
    other.connect(media.sock.getsockname())
    yield media, other
    media.close(LineError("test over"))
    other.close()


def heard_at(media: Media, other: socket.socket, packet: bytes) -> float:
    other.send(packet)
    heard = media.receive(wall_to_monotonic_s())
    assert heard is not None
    return heard[0]


def test_packets_are_placed_by_the_senders_clock(wire: tuple[Media, socket.socket]) -> None:
    media, other = wire
    # The second was sent first and overtaken, and the timestamp wraps between them.
    second = heard_at(media, other, pack_header(0, 2, 100, 7) + bytes(160))
    first = heard_at(media, other, pack_header(0, 1, 2**32 - 60, 7) + bytes(160))
    assert second - first == pytest.approx(0.02, abs=1e-6)


@pytest.mark.parametrize(
    ("timestamp", "ssrc", "marker"),
    [(8160, 7, True), (8160, 8, False), (800_160, 7, False), (2**31, 7, False)],
)
def test_a_marker_a_new_source_or_a_jump_starts_afresh(
    wire: tuple[Media, socket.socket], timestamp: int, ssrc: int, marker: bool
) -> None:
    media, other = wire
    heard_at(media, other, pack_header(0, 1, 0, 7) + bytes(160))
    before_s = time.monotonic()
    packet = pack_header(0, 2, timestamp, ssrc, marker=marker) + bytes(160)
    assert before_s - 0.001 <= heard_at(media, other, packet) <= time.monotonic()


def test_nothing_is_sent_to_a_peer_that_holds_us(wire: tuple[Media, socket.socket]) -> None:
    media, other = wire
    media.connect(MediaAnswer("127.0.0.1", 9, Law.MU, 101, listening=False))
    media.send_packet(0.0)
    with pytest.raises(BlockingIOError):
        other.recv(2000)


def test_voice_sent_is_timed_by_when_its_packets_left(wire: tuple[Media, socket.socket]) -> None:
    async def scenario() -> Sent:
        media, _ = wire
        done: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
        quiet, loud = np.zeros(240, dtype=np.int16), np.full(160, 8000, dtype=np.int16)
        media.say(np.concatenate((quiet, loud)), done)
        for now_s in (10.0, 10.021, 10.040):
            media.send_packet(now_s)
        return await done

    sent = run(scenario())
    assert (sent.start_s, sent.end_s) == pytest.approx((10.0, 10.06))
    assert sent.voice is not None
    assert (sent.voice.start_s, sent.voice.end_s) == pytest.approx((10.031, 10.05))


def test_closing_fails_what_was_still_waiting(wire: tuple[Media, socket.socket]) -> None:
    async def scenario() -> None:
        media, _ = wire
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Sent] = loop.create_future()
        media.say(tone(1), done)
        voice = media.next_voice()
        media.close(CallOverError(CallEnd(EndedBy.PHONE, "", 0.0)))
        for future in (done, voice):
            with pytest.raises(CallOverError):
                await future

    run(scenario())


# Tracks


def test_a_track_renders_silence_where_nothing_came() -> None:
    track = Track(origin_s=100.0)
    track.place(100.5, encode(tone(0.1)), Law.MU)
    track.place(100.6, encode(tone(0.1), Law.A), Law.A)
    pcm = track.render(100.4, 100.8)
    assert len(pcm) == 3200
    assert not pcm[:800].any()
    assert np.array_equal(pcm[800:1600], decode(encode(tone(0.1))))
    assert np.array_equal(pcm[1600:2400], decode(encode(tone(0.1), Law.A), Law.A))
    assert not pcm[2400:].any()
    assert track.end_s == pytest.approx(100.7)


def test_a_track_plays_packets_that_nearly_touch_without_a_seam() -> None:
    track = Track(origin_s=0.0)
    speech = encode(tone(0.1))
    for index in range(5):
        jitter_s = 0.0004 * (-1) ** index
        track.place(1 + index * 0.02 + jitter_s, speech[index * 160 : index * 160 + 160], Law.MU)
    rendered = track.render(1.0004, 1.1004)
    assert np.array_equal(rendered, decode(speech))


def test_voice_closer_than_the_gap_is_one_span() -> None:
    track = Track(origin_s=0.0)
    for start_s in (1.0, 1.02, 1.2, 2.0):
        track.note_voice(start_s, start_s + 0.02)
    assert track.spans(gap_s=0.1) == [Span(1.0, 1.04), Span(1.2, 1.22), Span(2.0, 2.02)]
    assert track.spans(gap_s=0.3) == [Span(1.0, 1.22), Span(2.0, 2.02)]
    assert track.spans(since_s=1.5) == [Span(2.0, 2.02)]
    assert track.last_span == Span(2.0, 2.02)


def test_voice_is_bounded_by_its_first_and_last_loud_sample() -> None:
    silent = np.zeros(160, dtype=np.int16)
    part = silent.copy()
    part[50:120] = 5000
    faint = np.full(160, 60, dtype=np.int16)
    payloads = [encode(pcm) for pcm in (silent, part, faint)]
    assert voiced_bounds(payloads, Law.MU, VoiceSettings()) == [None, (50, 120), None]
