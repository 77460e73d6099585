"""Noise and echo: what is mixed into a call, and that the rest of the call does not notice."""

import asyncio
import time

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.audio.g711 import Law, decode, encode
from backend.audio.level import dbfs
from backend.audio.noise import active_dbfs, mix_at_snr, white_noise
from backend.audio.pcm import Pcm
from backend.phone.media import Media
from backend.phone.phone import Phone
from backend.phone.surroundings import Surroundings, mix
from backend.phone.track import Track
from backend.phone.udp import open_udp
from backend.phone.voice import VoiceSettings
from tests.phone.peer import Peer, peer, rtp_fields
from tests.support.loop import run


def babble(seconds: float) -> Pcm:
    """Sound that is nowhere like itself: a shifted copy is found by correlation."""
    random = np.random.default_rng(7)
    return white_noise(round(seconds * 8000), -20, random)


def sent_audio(pbx: Peer) -> Pcm:
    return decode(b"".join(rtp_fields(packet)[4] for packet in pbx.rtp))


def lag_and_gain(copy: Pcm, original: Pcm) -> tuple[int, float]:
    """How many samples after the original its copy comes, and how loud."""
    one, other = copy.astype(float), original.astype(float)
    correlation: NDArray[np.float64] = np.correlate(one, other, mode="full")
    peak = int(np.argmax(correlation))
    return peak - (len(other) - 1), float(correlation[peak] / np.sum(other**2))


def test_noise_goes_out_all_the_time_at_its_level() -> None:
    async def scenario() -> None:
        async with peer(mute=True) as pbx, Phone() as phone:
            await phone.dial(pbx.uri(), surroundings=Surroundings(noise_dbfs=-35))
            await pbx.until(lambda: len(pbx.rtp) >= 25)
            assert dbfs(sent_audio(pbx)) == pytest.approx(-35, abs=1.0)

    run(scenario())


def test_what_we_hear_goes_back_quieter_and_later() -> None:
    async def scenario() -> None:
        async with peer(mute=True) as pbx, Phone() as phone:
            around = Surroundings(echo_db=-20, echo_delay_s=0.1)
            call = await phone.dial(pbx.uri(), surroundings=around)
            await pbx.until(lambda: bool(pbx.rtp))
            await pbx.speak(babble(0.4))
            await call.stay(0.2)
            lag, gain = lag_and_gain(call.spoken(), call.heard())
            assert lag / 8000 == pytest.approx(0.1, abs=0.025)
            assert 20 * np.log10(gain) == pytest.approx(-20, abs=1)
            assert np.abs(sent_audio(pbx)).max() > 100

    run(scenario())


def test_our_own_voice_is_measured_as_if_it_were_quiet_around_us() -> None:
    async def scenario() -> None:
        async with peer(mute=True) as pbx, Phone() as phone:
            around = Surroundings(noise_dbfs=-30)
            call = await phone.dial(pbx.uri(), surroundings=around)
            await call.stay(0.1)
            sent = await call.speak(babble(0.2))
            await call.stay(0.1)
            (span,) = call.spoken_spans()
            assert span.duration_s == pytest.approx(0.2, abs=0.02)
            assert sent.voice is not None
            # The recording has everything that left, from the first packet on.
            around_voice = call.spoken(sent.voice.start_s - 0.08, sent.voice.start_s - 0.02)
            assert dbfs(around_voice) == pytest.approx(-30, abs=3)

    run(scenario())


def test_keys_are_pressed_through_noise() -> None:
    async def scenario() -> None:
        async with peer(mute=True) as pbx, Phone() as phone:
            around = Surroundings(noise_dbfs=-30, echo_db=-20)
            call = await phone.dial(pbx.uri(), surroundings=around)
            await call.send_keys("1")
            await pbx.until(lambda: sum(rtp_fields(p)[0] == 101 for p in pbx.rtp) == 8)

    run(scenario())


def _media(law: Law, around: Surroundings, speech: Pcm) -> Media:
    media = Media(open_udp("127.0.0.1"), time.monotonic(), VoiceSettings())
    media.law, media.surroundings = law, around
    media.say(speech, asyncio.get_running_loop().create_future())
    return media


def test_calls_of_both_laws_are_mixed_together_and_kept_apart() -> None:
    async def scenario() -> None:
        voices = [babble(0.02), np.zeros(160, dtype=np.int16)]
        quiet = Surroundings(noise_dbfs=-90)
        laws = (Law.A, Law.MU, Law.A)
        medias = [_media(law, quiet, voices[i % 2]) for i, law in enumerate(laws)]
        try:
            for media, audio in zip(medias, mix(medias, time.monotonic()), strict=True):
                original = decode(media.due(), media.law).astype(int)
                assert np.abs(decode(audio, media.law) - original).max() < 300
        finally:
            for media in medias:
                media.sock.close()

    run(scenario())


def test_two_hundred_noisy_calls_leave_most_of_a_packets_time_to_others() -> None:
    async def scenario() -> float:
        around = Surroundings(noise_dbfs=-40, echo_db=-20)
        medias = [_media(Law.MU, around, babble(0.1)) for _ in range(200)]
        now_s = time.monotonic()
        for media in medias:
            for index in range(10):
                media.heard.place(now_s - 0.2 + index * 0.02, bytes(160), Law.MU)
        try:
            mix(medias, now_s)  # makes the noise
            began_s = time.process_time()
            for _ in range(10):
                mix(medias, now_s)
            return (time.process_time() - began_s) / 10
        finally:
            for media in medias:
                media.sock.close()

    assert run(scenario()) < 0.02


def test_the_signal_to_noise_ratio_is_to_the_voice_not_to_its_pauses() -> None:
    speech = np.concatenate([babble(0.3), np.zeros(8000, dtype=np.int16)])
    assert active_dbfs(speech, 8000) == pytest.approx(-20, abs=0.3)
    noisy = mix_at_snr(speech, babble(0.5), 15, 8000)
    assert dbfs(noisy[-4000:]) == pytest.approx(active_dbfs(speech, 8000) - 15, abs=0.3)


def test_only_whole_stretches_are_handed_out_as_they_came() -> None:
    track = Track(origin_s=100.0)
    track.place(100.1, encode(babble(0.02)), Law.MU)
    track.place(100.5, encode(babble(0.04)), Law.MU)
    assert track.codes(100.52, 160, Law.MU) == encode(babble(0.04))[160:]
    assert track.codes(100.53, 160, Law.MU) is None
    assert track.codes(100.1, 160, Law.A) is None
    assert track.codes(99.0, 160, Law.MU) is None
