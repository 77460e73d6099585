"""Our own voice coming back, and a caller who speaks while it does."""

import asyncio

import numpy as np
import pytest

from backend.audio.echo import HEARD_S, PLAYED_S, is_echo
from backend.audio.level import dbfs
from backend.audio.noise import line_noise
from backend.audio.pcm import Pcm, to_pcm
from tests.support.caller_voice import flite, have_flite

RATE_HZ = 8000
WINDOW = 256
HEARD = round(HEARD_S * RATE_HZ)
PLAYED = round(PLAYED_S * RATE_HZ)
pytestmark = pytest.mark.skipif(not have_flite(), reason="flite is not installed")


@pytest.fixture(scope="module")
def ours() -> Pcm:
    return asyncio.run(flite("Our opening hours are nine to five on weekdays, and ten to two."))


@pytest.fixture(scope="module")
def callers() -> Pcm:
    return asyncio.run(flite("no wait, I have a question about my invoice", "kal16"))


def echo_of(ours: Pcm, delay_s: float, loss_db: float = 20.0, ringing_s: float = 0.0) -> Pcm:
    """Through a room that rings, at a telephone line's noise."""
    generator = np.random.default_rng(5)
    response = np.zeros(RATE_HZ // 4)
    if ringing_s:
        decay = np.exp(-np.arange(len(response)) / (ringing_s * RATE_HZ))
        response = generator.standard_normal(len(response)) * decay
    response[0] += 3
    sound = np.convolve(ours.astype(np.float64), response)[: len(ours)]
    sound *= 10 ** (-loss_db / 20) * np.std(ours.astype(np.float64)) / np.std(sound)
    late = np.concatenate((np.zeros(round(delay_s * RATE_HZ)), sound))
    return to_pcm(late + line_noise(len(late), RATE_HZ, -60, generator))


def echo_windows(heard: Pcm, played: Pcm) -> list[bool]:
    """For each window in which something sounds: was it taken for echo?"""
    return [
        is_echo(heard[end - HEARD : end], played[max(0, end - PLAYED) : end])
        for end in range(HEARD, len(heard), WINDOW)
        if dbfs(heard[end - WINDOW : end]) > -50
    ]


@pytest.mark.parametrize("delay_s", [0.0, 0.06, 0.29])
@pytest.mark.parametrize("ringing_s", [0.0, 0.02, 0.05])
def test_our_voice_at_minus_20_db_is_echo(ours: Pcm, delay_s: float, ringing_s: float) -> None:
    found = echo_windows(echo_of(ours, delay_s, ringing_s=ringing_s), ours)
    assert len(found) > 50
    assert np.mean(found) > 0.93


@pytest.mark.parametrize("loss_db", [0.0, 6.0])
def test_a_caller_over_our_echo_is_not(ours: Pcm, callers: Pcm, loss_db: float) -> None:
    gain = 10 ** ((dbfs(ours) - dbfs(callers) - loss_db) / 20)
    loud = np.repeat(
        [dbfs(row) > -35 for row in callers[: len(callers) // WINDOW * WINDOW].reshape(-1, WINDOW)],
        WINDOW,
    )
    length = min(len(loud), len(ours))
    voice = gain * callers[:length].astype(np.float64)
    mixed = to_pcm(echo_of(ours, 0.1)[:length] + voice)
    found = [
        is_echo(mixed[end - HEARD : end], ours[max(0, end - PLAYED) : end])
        for end in range(HEARD, length, WINDOW)
        if loud[end - 1]
    ]
    assert len(found) > 20
    assert np.mean(found) < 0.1


def test_a_caller_as_loud_as_we_are_is_not_even_with_our_own_voice(ours: Pcm) -> None:
    assert not any(echo_windows(ours, ours))


def test_what_was_not_played_just_now_is_not_echo(ours: Pcm) -> None:
    heard = echo_of(ours, 0.1)
    assert not any(echo_windows(heard, np.zeros(len(heard), np.int16)))
    assert not any(echo_windows(heard, np.zeros(0, np.int16)))


@pytest.mark.parametrize("heard", [np.zeros(0, np.int16), np.zeros(HEARD, np.int16)])
def test_silence_is_no_echo(ours: Pcm, heard: Pcm) -> None:
    assert not is_echo(heard, ours[:PLAYED])


def test_any_loudness_and_length_is_judged() -> None:
    loudest = np.full(HEARD, -32768, dtype=np.int16)
    assert not is_echo(loudest, loudest)
    assert is_echo((loudest // 10)[:5], loudest)
